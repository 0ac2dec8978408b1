"""Convert labels of your own to train ids, as a mapping file says.

python tools/convert_datasets/custom.py data/mine data/mine/mapping.json --nproc 8

docs/own_data.md shows the mapping file and what to do with the result.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg.datasets.class_mapping import ClassMapping, suggest_min_pixels
from mmseg.datasets.conversion_arguments import add_common_options, say_elsewhere
from mmseg.datasets.own_labels import convert_own_labels
from mmseg.datasets.statistics_files import STATS_FILE
from mmseg.utils.cli import run_cli


def report(mapping: ClassMapping, out_dir: Path) -> None:
    """Print how often each class occurs, and what to set in the config."""
    images = json.loads((out_dir / STATS_FILE).read_text(encoding='utf-8'))
    limit = suggest_min_pixels(images)
    total = sum(n for image in images for key, n in image.items() if key != 'file') or 1
    print(f'\n{"class":24} {"of pixels":>10} {"images":>8} {f"> {limit} px":>12}')
    for index, name in enumerate(mapping.classes):
        pixels = [image[str(index)] for image in images if str(index) in image]
        large = sum(n > limit for n in pixels)
        print(f'{name:24} {sum(pixels) / total:10.2%} {len(pixels):8} {large:12}')
    print(f'\n_classes = {list(mapping.classes)}')
    print(f'_palette = {[list(colour) for colour in mapping.palette]}')
    print(f'num_classes={len(mapping.classes)}')
    print(f'rare_class_sampling=dict(min_pixels={limit}, class_temp=0.01, min_crop_ratio=0.5)')


def main() -> None:
    """Convert the labels of the folder that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', type=Path, help='folder of the data set')
    parser.add_argument('mapping', type=Path, help='mapping file, JSON')
    add_common_options(parser)
    args = parser.parse_args()
    mapping = convert_own_labels(args.mapping, args.root, args.out_dir, args.nproc)
    report(mapping, args.out_dir or args.root)
    say_elsewhere(args.out_dir, mapping.labels)


if __name__ == '__main__':
    run_cli(main)
