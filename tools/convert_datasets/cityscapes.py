"""Convert Cityscapes' labels to train ids: python tools/convert_datasets/cityscapes.py ROOT"""

import sys
from pathlib import Path

import numpy as np
from cityscapesscripts.helpers.annotation import Annotation
from cityscapesscripts.preparation.json2labelImg import createLabelImage

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg.core.evaluation.class_names import CITYSCAPES_ID_TO_TRAIN_ID
from mmseg.datasets.image_io import read_label
from mmseg.datasets.label_conversion import (
    CONVERTED,
    LabelFile,
    argument_parser,
    convert_labels,
    require_folder,
)
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

LABEL_IDS = '_labelIds.png'
POLYGONS = '_polygons.json'


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


def find_labels(root: Path, label_dir: str) -> list[LabelFile]:
    """List the labels of all splits; where an image has label ids, its polygons are not needed.

    Args:
        root: Folder of the data set.
        label_dir: Folder of the labels below it.

    Returns:
        The labels, sorted by name; only those below `train` go into the statistics.
    """
    folder = require_folder(root / label_dir)
    originals: dict[Path, Path] = {}
    for suffix in (LABEL_IDS, POLYGONS):
        for path in sorted(folder.glob(f'**/*{suffix}')):
            stem = path.name.removesuffix(suffix)
            originals.setdefault(path.with_name(stem + CONVERTED), path)
    return [
        LabelFile(original, converted, counted='train' in converted.relative_to(folder).parts)
        for converted, original in sorted(originals.items())
    ]


def main() -> None:
    """Convert the labels of the folder that the command line names."""
    args = argument_parser(__doc__, label_dir='gtFine').parse_args()
    files = find_labels(args.root, args.label_dir)
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


if __name__ == '__main__':
    run_cli(main)
