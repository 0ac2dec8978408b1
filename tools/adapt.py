"""Adapt to a folder of images, from nothing but folders to a network, with what it sees.

python tools/adapt.py --source IMAGES LABELS --target IMAGES [--target-labels LABELS]
                      [--classes map.json] [--minutes 60] [--out DIR] [--dry-run]
                      [--distil mit_b0]

Looks at the folders and says what it found and chose, trains without and with adaptation in the
time that is given, chooses a network without labels of the target, says whether adaptation paid,
and writes predictions, a report and the network into DIR. The same command goes on with what was
interrupted. Nothing is written into the folders that are given.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.own_data.adapting import SUMMARY, adapt, prepare
from mmseg.own_data.distilling import STUDENTS
from mmseg.own_data.request import Request
from mmseg.own_data.telling import Told
from mmseg.utils.cli import run_cli
from mmseg.utils.lock import alone_in
from mmseg.utils.programs import how_to_call


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--source', nargs=2, type=Path, required=True, metavar=('IMAGES', 'LABELS'), help='folders'
    )
    parser.add_argument('--target', type=Path, required=True, metavar='IMAGES', help='folder')
    parser.add_argument(
        '--target-labels', type=Path, metavar='LABELS', help='of some target images, to judge by'
    )
    parser.add_argument('--classes', type=Path, help='mapping file [proposed from the labels]')
    parser.add_argument('--method', choices=('daformer', 'dida', 'dida_plus'), default='daformer')
    parser.add_argument('--minutes', type=float, default=60, help='that it may take [60]')
    parser.add_argument('--iterations', type=int, help='of each training [what the time allows]')
    parser.add_argument('--out', type=Path, default=Path('adapted'), help='folder [adapted]')
    parser.add_argument(
        '--distil', choices=STUDENTS, help='train a small student by the predictions, on top'
    )
    parser.add_argument('--dry-run', action='store_true', help='look, choose, write the configs')
    return parser.parse_args()


def look_only(request: Request, args: argparse.Namespace) -> None:
    """Look, choose, write the configs, and say how to train them."""
    tell = Told()
    prepare(request, args.iterations, tell)
    tell.keep(args.out / SUMMARY)
    shown = args.out / 'adapt'
    words = [f'{shown}.json', '--work-dir', str(shown)]
    words += ['--no-validate'] * (args.target_labels is None)
    print(
        f'\nlook through {shown}.json, then leave --dry-run out, or train it alone:\n'
        + how_to_call('tools/train.py', *words)
    )


def main() -> None:
    """Adapt, or only look."""
    args = parse_args()
    request = Request(
        images=args.source[0],
        labels=args.source[1],
        target=args.target,
        target_labels=args.target_labels,
        classes=args.classes,
        method=args.method,
        out=args.out,
    )
    request.require_apart()  # before a lock file is put anywhere
    with alone_in(args.out):
        if args.dry_run:
            look_only(request, args)
        else:
            adapt(request, args.minutes, args.iterations, args.distil)


if __name__ == '__main__':
    run_cli(main)
