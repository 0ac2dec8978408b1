"""Draw what a few labels of the target buy, from the runs of experiment 21.

python tools/draw_label_curve.py work_dirs/local-exp21/* [--out label_curve.png]

Prints a table in Markdown, mean ± standard deviation over the seeds, and draws the figure. What
is no finished run is left out.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.experiments.label_curve import curve_table, draw_curve, label_curve
from mmseg.experiments.runs import RESULT, read_result
from mmseg.utils.cli import run_cli


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dirs', nargs='+', type=Path, help='of the runs')
    parser.add_argument('--out', type=Path, default=Path('label_curve.png'), help='the figure')
    return parser.parse_args()


def main() -> None:
    """Read, print, draw."""
    args = parse_args()
    finished = [folder for folder in args.work_dirs if (folder / RESULT).is_file()]
    curve = label_curve([read_result(folder) for folder in finished])
    print(curve_table(curve))
    draw_curve(curve, args.out)
    print(f'\nfigure in {args.out}')


if __name__ == '__main__':
    run_cli(main)
