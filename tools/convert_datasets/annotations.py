"""Make label maps of annotations: COCO, LabelMe, CVAT, or masks of many kinds.

python tools/convert_datasets/annotations.py ANNOTATIONS IMAGES OUT

ANNOTATIONS is a file or a folder, whose format is told from what stands in it: COCO's JSON (objects
and stuff), LabelMe's JSON files, CVAT for images 1.1 (XML), label pictures of ids, of a palette or
of colours (with a table such as class_dict.csv, label_colors.txt or labelmap.txt), masks of a class
each (CLASS/a.png, or a_CLASS.png), arrays of a channel a class (a.npy). In OUT, which must be new,
it writes images (links), labels, classes.json (a mapping file, also for --classes) and check.png:
look at it. docs/own_data.md says what comes next.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg.datasets.listing import is_within
from mmseg.own_data.conversion import MAPPING, SHEET, write_data_set
from mmseg.own_data.formats.detection import Options, read_labels
from mmseg.own_data.formats.reading import BACKGROUND, IGNORE
from mmseg.own_data.formats.shapes import LATER, SMALLER
from mmseg.own_data.pictures import look_into
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError
from mmseg.utils.programs import how_to_call


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('annotations', type=Path, help='file or folder')
    parser.add_argument('images', type=Path, help='folder of the pictures')
    parser.add_argument('out', type=Path, help='folder to write, new or empty')
    parser.add_argument(
        '--rest',
        choices=(BACKGROUND, IGNORE),
        default=BACKGROUND,
        help='what pixels of no region are: a class, or left out of training [background]',
    )
    parser.add_argument(
        '--on-top',
        choices=(SMALLER, LATER),
        help='what of overlapping regions is seen [smaller of COCO and masks, later of others]',
    )
    parser.add_argument(
        '--ignore', nargs='+', default=[], metavar='CLASS', help='regions left out of training'
    )
    parser.add_argument(
        '--colours', type=Path, metavar='TABLE', help='name and r, g, b of each class, CSV or text'
    )
    parser.add_argument(
        '--nearest', action='store_true', help='take colours of no class for the nearest one'
    )
    return parser.parse_args()


def main() -> None:
    """Read, say what was found, write."""
    args = parse_args()
    for place in (args.annotations, args.images):
        if place.is_dir() and is_within(args.out, place):
            raise UserError(f'{args.out} lies within {place}: give a folder elsewhere')
    options = Options(args.rest, args.on_top, args.ignore, args.colours, args.nearest)
    reading = read_labels(args.annotations, look_into(args.images).pictures, options)
    print(f'{args.annotations}: {reading.format}, {len(reading.images)} pictures')
    for line in reading.lines:
        print(line)
    for line in write_data_set(reading, args.out):
        print(line)
    mapping = args.out / MAPPING
    print(f'\nlook at {args.out / SHEET}, put the classes of {mapping} right, then:')
    print(how_to_call('tools/convert_datasets/custom.py', str(args.out), str(mapping)))


if __name__ == '__main__':
    run_cli(main)
