"""Compare methods over seeds: mean ± sd, paired differences with 95 % intervals, classes, cost.

python tools/compare_methods.py work_dirs/local-exp9 work_dirs/local-exp18 --keep docs/evidence.json
python tools/compare_methods.py --keep docs/evidence.json --pair game2camvid --baseline source-only

Reads the finished runs in and below the folders. With --keep, rows go into a file and tables are
made of all that it holds, so that runs can be made on several days or machines. Prints Markdown.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.experiments.evidence import (
    finished_runs,
    read_rows,
    row_of,
    table_of_classes,
    table_of_methods,
    with_more,
    write_rows,
)
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folders', nargs='*', type=Path, help='with work dirs of experiments')
    parser.add_argument('--keep', type=Path, help='the file that holds the rows')
    parser.add_argument('--pair', help='that alone, game2camvid for example')
    parser.add_argument('--baseline', default='daformer', help='method to compare with')
    parser.add_argument('--classes', action='store_true', help='print the classes too')
    return parser.parse_args()


def main() -> None:
    """Read, keep, print."""
    args = parse_args()
    missing = [str(folder) for folder in args.folders if not folder.is_dir()]
    if missing:
        raise UserError(f'there is no folder {missing[0]}')
    new = [row_of(folder) for folder in finished_runs(args.folders)]
    rows = with_more(read_rows(args.keep) if args.keep else [], new)
    if args.keep and new:
        write_rows(rows, args.keep)
    groups = sorted({(row.pair, row.iters) for row in rows if args.pair in (None, row.pair)})
    if not groups:
        raise UserError('no finished run of an experiment is there')
    for pair, iters in groups:
        of_pair = [row for row in rows if (row.pair, row.iters) == (pair, iters)]
        print(f'\n{pair}, {iters} iterations\n\n{table_of_methods(of_pair, args.baseline)}')
        if args.classes:
            print(f'\n{table_of_classes(of_pair)}')


if __name__ == '__main__':
    run_cli(main)
