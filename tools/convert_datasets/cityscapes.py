"""Convert Cityscapes' labels to train ids: python tools/convert_datasets/cityscapes.py ROOT"""

import sys
from pathlib import Path

import numpy as np
from cityscapesscripts.helpers.annotation import Annotation
from cityscapesscripts.preparation.json2labelImg import createLabelImage

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg.core.evaluation.class_names import CITYSCAPES_ID_TO_TRAIN_ID
from mmseg.datasets.conversion_arguments import argument_parser, say_elsewhere
from mmseg.datasets.image_io import read_label
from mmseg.datasets.label_conversion import LabelFile, convert_labels, require_folder
from mmseg.datasets.listing import files_below
from mmseg.datasets.statistics_files import CONVERTED
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

LABEL_IDS = '_labelIds.png'
POLYGONS = '_polygons.json'
IMAGES, IMAGE_SUFFIX = 'leftImg8bit', '_leftImg8bit.png'


def read_cityscapes_ids(path: Path) -> np.ndarray:
    """Return the label ids (H, W) of a `labelIds.png`, or drawn from a `polygons.json`."""
    if path.suffix == '.png':
        return read_label(path)
    annotation = Annotation()
    try:
        annotation.fromJsonFile(str(path))
    except (ValueError, KeyError, TypeError, OSError, RecursionError, SystemExit):
        raise UserError(f'cannot read the polygons in {path}') from None
    return np.asarray(createLabelImage(annotation, 'ids'))


def find_labels(root: Path, label_dir: str, out_dir: Path | None = None) -> list[LabelFile]:
    """List the labels of all splits; where an image has label ids, its polygons are not needed.

    Args:
        root: Folder of the data set.
        label_dir: Folder of the labels below it.
        out_dir: Folder for converted labels; None for beside the originals.

    Returns:
        The labels, sorted by name; only those below `train` go into the statistics.
    """
    folder, images = require_folder(root / label_dir), root / IMAGES
    originals: dict[str, str] = {}
    for suffix in (LABEL_IDS, POLYGONS):
        for name in files_below(folder, suffix):
            originals.setdefault(name.removesuffix(suffix), name)
    stems = sorted(originals)
    # Where no label has an image, these lie elsewhere: nothing to check against.
    with_image = {stem for stem in stems if _image(images, stem).is_file()} or set(stems)
    alone = [stem for stem in stems if stem not in with_image]
    if alone:
        get_root_logger().warning(
            f'{len(alone)} labels left out of the statistics: {folder / originals[alone[0]]} '
            f'has no image {_image(images, alone[0])}'
        )
    return [
        LabelFile(
            original=folder / originals[stem],
            converted=(out_dir or root) / label_dir / f'{stem}{CONVERTED}',
            counted='train' in Path(stem).parts and stem in with_image,
        )
        for stem in stems
    ]


def _image(images: Path, stem: str) -> Path:
    return images / f'{stem.rpartition("_")[0]}{IMAGE_SUFFIX}'


def main() -> None:
    """Convert the labels of the folder that the command line names."""
    args = argument_parser(__doc__, label_dir='gtFine').parse_args()
    files = find_labels(args.root, args.label_dir, args.out_dir)
    if not files:
        raise UserError(
            f'no *{LABEL_IDS} and no *{POLYGONS} below {args.root / args.label_dir}: '
            'unpack gtFine_trainvaltest.zip there'
        )
    convert_labels(
        files,
        read_cityscapes_ids,
        CITYSCAPES_ID_TO_TRAIN_ID,
        args.out_dir or args.root,
        args.nproc,
    )
    say_elsewhere(args.out_dir, args.label_dir)


if __name__ == '__main__':
    run_cli(main)
