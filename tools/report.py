"""Write the report of a run, or compare several in one page.

python tools/report.py WORK_DIR [--baseline WORK_DIR]
python tools/report.py WORK_DIR WORK_DIR …
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.report import REPORT, write_report
from mmseg.utils.cli import run_cli

COMPARISON = 'comparison.html'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('runs', nargs='+', type=Path, metavar='WORK_DIR', help='of training runs')
    parser.add_argument(
        '--baseline', type=Path, metavar='WORK_DIR', help='source-only run to set classes beside'
    )
    parser.add_argument(
        '--out',
        type=Path,
        help=f'the page [{REPORT} in the work dir; {COMPARISON} here for several]',
    )
    return parser.parse_args()


def main() -> None:
    """Write the page."""
    args = parse_args()
    default = args.runs[0] / REPORT if len(args.runs) == 1 else Path(COMPARISON)
    path = write_report(args.runs, args.out or default, args.baseline)
    print(f'report in {path}')


if __name__ == '__main__':
    run_cli(main)
