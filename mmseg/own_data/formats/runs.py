"""Masks written as lengths of runs, the first run of pixels outside."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmseg.utils.errors import UserError


def from_runs(runs: Sequence[int], height: int, width: int, order: str = 'C') -> np.ndarray:
    """Return the mask (H, W) bool of some runs, which alternate between outside and inside.

    Args:
        runs: Lengths in pixels.
        height: H.
        width: W.
        order: 'C' for runs along rows, as CVAT writes them, 'F' along columns, as COCO.

    Raises:
        UserError: The runs do not fill the mask.
    """
    lengths = np.asarray(runs, np.int64)
    if lengths.sum() != height * width or (lengths < 0).any():
        raise UserError(
            f'runs of {lengths.sum()} pixels do not fill a mask of {width}×{height} (width×height)'
        )
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape((height, width), order='F' if order == 'F' else 'C')


def coco_mask(segmentation: Mapping[str, Any], height: int, width: int) -> np.ndarray:
    """Return the mask (H, W) bool of COCO's run lengths, `{"counts": …, "size": [h, w]}`.

    Args:
        segmentation: Counts as a list of numbers, or compressed as a text, which takes pycocotools.
        height: H, which `size` must agree with.
        width: W.

    Raises:
        UserError: They are damaged or of another size, or pycocotools is missing.
    """
    counts, size = segmentation.get('counts'), list(segmentation.get('size', ()))
    if size != [height, width]:
        raise UserError(
            f'run lengths of size {size} in an image of {[height, width]} (height, width)'
        )
    if isinstance(counts, str):
        try:
            return pycocotools_mask().decode({'size': size, 'counts': counts}).astype(bool)
        except ValueError as error:
            raise UserError(f'damaged run lengths: {error}') from None
    if not isinstance(counts, list):
        raise UserError(f'expected run lengths as a list or a text, got {counts!r}')
    return from_runs(counts, height, width, order='F')


def to_coco(mask: np.ndarray) -> dict[str, Any]:
    """Return COCO's compressed run lengths of a mask (H, W) bool.

    Raises:
        UserError: pycocotools is missing.
    """
    encoded = pycocotools_mask().encode(np.asfortranarray(mask, np.uint8))
    size = [int(side) for side in encoded['size']]
    return {'size': size, 'counts': encoded['counts'].decode('ascii')}


def pycocotools_mask() -> Any:
    """Return the module `pycocotools.mask`.

    Raises:
        UserError: It is missing.
    """
    try:
        from pycocotools import mask
    except ImportError as error:
        raise UserError(
            'compressed run lengths of COCO need the package pycocotools, which is missing: '
            "pip install 'pycocotools>=2.0.10,<3'"
        ) from error
    return mask
