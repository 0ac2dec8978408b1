"""Convert labels of your own to train ids, as a mapping file says.

python tools/convert_datasets/custom.py data/mine data/mine/mapping.json --nproc 8

docs/own_data.md shows the mapping file and what to do with the result.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg.datasets.class_mapping import ClassMapping, suggest_min_pixels
from mmseg.datasets.conversion_arguments import add_common_options, say_elsewhere
from mmseg.datasets.label_conversion import LabelFile, convert_labels, require_writable
from mmseg.datasets.statistics_files import STATS_FILE, USED_MAPPING
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli

_NUM_SEARCHED = 50
_NUM_SHOWN = 5


def forget_other_mapping(mapping: Path, out_dir: Path, files: Sequence[LabelFile]) -> None:
    """Remove what was converted with another mapping, or by another tool."""
    used, text = out_dir / USED_MAPPING, mapping.read_text(encoding='utf-8')
    if used.is_file() and used.read_text(encoding='utf-8') == text:
        return
    old = [file.converted for file in files if file.converted.is_file()]
    if old:
        print(f'{len(old)} labels were converted with another mapping: they are converted again')
    for path in (out_dir / STATS_FILE, *old):
        path.unlink(missing_ok=True)
    with atomic_path(used) as temporary:
        temporary.write_text(text, encoding='utf-8')


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
    mapping = ClassMapping.from_file(args.mapping)
    out_dir = args.out_dir or args.root
    files = mapping.find_labels(args.root, args.out_dir)
    require_writable([out_dir, *{file.converted.parent for file in files}])
    forget_other_mapping(args.mapping, out_dir, files)
    unlisted = mapping.unlisted(file.original for file in files[:_NUM_SEARCHED])
    for value, share in list(unlisted.items())[:_NUM_SHOWN]:
        print(f'no class lists {value}, {share:.2%} of the pixels: ignored')
    if len(unlisted) > _NUM_SHOWN:
        print(f'nor {len(unlisted) - _NUM_SHOWN} more values, all rarer than these')
    unchanged = {index: index for index in range(len(mapping.classes))}
    convert_labels(files, mapping.read, unchanged, out_dir, args.nproc)
    report(mapping, out_dir)
    say_elsewhere(args.out_dir, mapping.labels)


if __name__ == '__main__':
    run_cli(main)
