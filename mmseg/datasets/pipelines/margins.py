"""Margins of target images in which pseudo labels do not count (Hoyer et al., HRDA, section 4)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmseg.core.settings.kinds import FROM_ZERO
from mmseg.utils.errors import UserError

from ..builder import PIPELINES
from .compose import Step
from .transform import Transform

VALID = 'valid_pseudo_mask'
# After these an image no longer lies as in its file.
_MOVES = ('RandomCrop', 'RandomFlip', 'RandomRotate', 'Pad')


@PIPELINES.register_module()
class PseudoLabelMargins(Transform):
    """Mark, under 'valid_pseudo_mask', which pixels may have pseudo labels: 1, in margins 0.

    The margins are those of the original image: they take part in what a crop shows of them. Later
    steps of the pipeline treat the mask as labels.

    Args:
        margins: Rows at the top and at the bottom, columns on the left and on the right, in pixels
            of the original image.

    Raises:
        UserError: They are no four numbers from 0, or leave nothing of an image.
    """

    def __init__(self, margins: Sequence[int]) -> None:
        if len(margins) != 4 or not all(map(FROM_ZERO.fits, margins)):
            raise UserError(
                'crop_pseudo_margins: expected pixels from 0 at the top, the bottom, the left and '
                f'the right, got {margins!r}'
            )
        self.margins = list(margins)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        original, size = results['ori_shape'][:2], results['img'].shape[:2]
        top, bottom, left, right = self.margins
        rows, columns = (
            _kept(side, new, before, after)
            for side, new, before, after in zip(
                original, size, (top, left), (bottom, right), strict=True
            )
        )
        if not rows.any() or not columns.any():
            raise UserError(
                f'crop_pseudo_margins={self.margins} (top, bottom, left, right) leave nothing of '
                f'an image of {original[0]}×{original[1]} pixels (height×width)'
            )
        results[VALID] = (rows[:, None] & columns[None]).astype(np.uint8)
        results.setdefault('seg_fields', []).append(VALID)
        return results


def _kept(side: int, new_side: int, before: int, after: int) -> np.ndarray:
    """Say of each pixel along a resized side whether its nearest original one is in no margin."""
    nearest = np.arange(new_side) * side // new_side
    return (nearest >= before) & (nearest < side - after)


def with_margins(
    pipeline: Sequence[Mapping[str, Any] | Step], margins: Sequence[int]
) -> list[Mapping[str, Any] | Step]:
    """Let a pipeline's config make and collect the mask of `PseudoLabelMargins`.

    Args:
        pipeline: Config dicts of transforms, `LoadImageFromFile` and `Collect` among them.
        margins: See `PseudoLabelMargins`.

    Returns:
        The same with the mask made once the image has its scale.

    Raises:
        UserError: The image is not read or collected, or is cropped, flipped, rotated or padded
            before it has its scale.
    """
    types = [step.get('type') if isinstance(step, Mapping) else None for step in pipeline]
    if 'LoadImageFromFile' not in types or 'Collect' not in types:
        raise UserError(
            'crop_pseudo_margins needs a pipeline with LoadImageFromFile and Collect, got '
            f'{", ".join(map(str, types))}'
        )
    place = types.index('Resize' if 'Resize' in types else 'LoadImageFromFile') + 1
    moved = [kind for kind in types[:place] if kind in _MOVES]
    if moved:
        raise UserError(
            'crop_pseudo_margins count in pixels of the original image: let Resize stand before '
            f'{" and ".join(map(str, moved))} in the pipeline'
        )
    changed = [
        {**step, 'keys': [*step['keys'], VALID]}
        if isinstance(step, Mapping) and step.get('type') == 'Collect'
        else step
        for step in pipeline
    ]
    changed.insert(place, {'type': 'PseudoLabelMargins', 'margins': list(margins)})
    return changed
