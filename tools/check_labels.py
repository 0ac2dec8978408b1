"""Draw pictures with their labels over them, to see by eye whether all fits.

python tools/check_labels.py IMAGES LABELS [--classes map.json] [--num 12] [--out check.png]

LABELS is whatever tools/convert_datasets/annotations.py reads, predictions included.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.core.visualization import save_picture
from mmseg.datasets.class_mapping import ClassMapping
from mmseg.own_data.contact_sheet import Labelled, contact_sheet
from mmseg.own_data.conversion import palette_of
from mmseg.own_data.fit import fit_of
from mmseg.own_data.formats.detection import Options, read_labels
from mmseg.own_data.pairs import pair_up
from mmseg.own_data.pictures import look_into
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('images', type=Path, help='folder of the pictures')
    parser.add_argument('labels', type=Path, help='folder, or a file of annotations')
    parser.add_argument('--classes', type=Path, help='mapping file [told from the labels]')
    parser.add_argument('--colours', type=Path, metavar='TABLE', help='name and r, g, b of classes')
    parser.add_argument('--num', type=int, default=12, help='how many pictures [12]')
    parser.add_argument('--out', type=Path, default=Path('check.png'), help='[check.png]')
    return parser.parse_args()


def main() -> None:
    """Read, draw."""
    args = parse_args()
    if args.num < 1:
        raise UserError(f'--num: expected 1 or more, got {args.num}')
    pictures = look_into(args.images).pictures
    if args.classes is None:
        reading = read_labels(args.labels, pictures, Options(table=args.colours))
        lines, classes, palette = reading.lines, reading.classes, palette_of(reading)
        images = [Labelled(*image) for image in reading.images]
    else:
        mapping = ClassMapping.from_file(args.classes)
        pairs = pair_up(pictures, look_into(args.labels).pictures)
        lines, classes = pairs.lines(), mapping.classes
        palette = [list(colour) for colour in mapping.palette]
        images = [
            Labelled(image, partial(mapping.read, label.path)) for image, label in pairs.pairs
        ]
    for line in [*lines, *fit_of(images).lines()]:
        print(line)
    save_picture(contact_sheet(images, classes, palette, args.num), args.out)
    print(f'{min(args.num, len(images))} of {len(images)} pictures in {args.out}')


if __name__ == '__main__':
    run_cli(main)
