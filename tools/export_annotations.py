"""Write label maps, such as pseudo labels, as COCO's JSON, to be put right in an annotation tool.

python tools/export_annotations.py PREDICTIONS IMAGES --classes map.json [--out coco.json]
python tools/export_annotations.py PREDICTIONS IMAGES --config CONFIG [--out coco.json]

PREDICTIONS holds class indices, as demo/image_demo.py writes them (`*_labels.png`); 255 is no
class. Masks are compressed run lengths, which CVAT imports as "COCO 1.0" and
tools/convert_datasets/annotations.py turns back into label maps.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import load_config
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.datasets.class_mapping import ClassMapping, read_values
from mmseg.own_data.coco_export import CLASSES, COMPONENTS, to_coco_json
from mmseg.own_data.pairs import pair_up
from mmseg.own_data.pictures import look_into
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError
from mmseg.utils.progress import track

LABELS = '_labels'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('predictions', type=Path, help='folder of label maps')
    parser.add_argument('images', type=Path, help='folder of the pictures')
    names = parser.add_mutually_exclusive_group(required=True)
    names.add_argument('--classes', type=Path, help='mapping file, whose classes are in order')
    names.add_argument('--config', help='config, whose data.test has the classes')
    parser.add_argument('--out', type=Path, default=Path('coco.json'), help='[coco.json]')
    parser.add_argument(
        '--regions',
        choices=(COMPONENTS, CLASSES),
        default=COMPONENTS,
        help='what becomes a region: what hangs together, or all of a class [components]',
    )
    parser.add_argument(
        '--min-area', type=int, default=1, metavar='PIXELS', help='leave out smaller regions [1]'
    )
    return parser.parse_args()


def class_names(args: argparse.Namespace) -> list[str]:
    """Return the class names, in the order of the indices."""
    if args.classes is not None:
        return list(ClassMapping.from_file(args.classes).classes)
    cfg = load_config(args.config)
    return list(build_run_dataset(cfg, cfg.data.test, {'test_mode': True}).CLASSES)


def main() -> None:
    """Pair, cut, write."""
    args = parse_args()
    if args.min_area < 1:
        raise UserError(f'--min-area: expected 1 or more, got {args.min_area}')
    classes = class_names(args)
    maps = look_into(args.predictions).pictures
    # Overlays and colours lie beside them where the demo wrote them.
    named = [picture for picture in maps if picture.name.endswith(LABELS)]
    pairs = pair_up(look_into(args.images).pictures, named or maps)
    for line in pairs.lines():
        print(line)
    images = [
        (picture, partial(read_values, label.path, is_coloured=False))
        for picture, label in pairs.pairs
    ]
    content = to_coco_json(track(images, 'label maps'), classes, args.regions, args.min_area)
    with atomic_path(args.out) as path:
        path.write_text(json.dumps(content), encoding='utf-8')
    number = len(content['annotations'])
    print(f'{number} regions of {len(images)} pictures in {args.out}, by {args.regions}')


if __name__ == '__main__':
    run_cli(main)
