"""Hold what adapt.sh said, whether adaptation paid, against labels that it never saw.

python tools/measure_adapting.py OUT IMAGES LABELS

Of the networks that it chose, with and without adaptation, the mIoU on these labels is measured.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.own_data.hindsight import look_back
from mmseg.own_data.telling import Told
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='folder that adapt.sh wrote')
    parser.add_argument('images', type=Path, help='folder of images of the target')
    parser.add_argument('labels', type=Path, help='folder of their labels, as those of the source')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    return parser.parse_args()


def main() -> None:
    """Test, compare, print."""
    args = parse_args()
    found = look_back(args.out, args.images, args.labels, choose_device(args.gpu), Told())
    print(f'said: {found.said.answer}: {found.said.reason}')
    print(f'true: {found.true.answer}: {found.true.reason}')
    print(found.outcome)


if __name__ == '__main__':
    run_cli(main)
