"""Several scaled and flipped versions of one test image."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.utils.errors import UserAssertionError

from ..builder import PIPELINES
from .compose import Compose
from .transform import Transform
from .transforms import as_scales


@PIPELINES.register_module()
class MultiScaleFlipAug(Transform):
    """Run `transforms` once for each scale and flip; every entry becomes a list.

    Args:
        transforms: Steps to run.
        img_scale: One (width, height) or several; None for the image's own size.
        img_ratios: Factors on the one scale, or on the image's own size.
        flip: Whether flipped versions come too.
        flip_direction: 'horizontal' or 'vertical', or both in a list.
    """

    def __init__(
        self,
        transforms: Sequence[Mapping[str, Any]],
        img_scale: Sequence[Any] | None,
        img_ratios: float | Sequence[float] | None = None,
        flip: bool = False,
        flip_direction: str | Sequence[str] = 'horizontal',
    ) -> None:
        self.transforms = Compose(transforms)
        self.scales = as_scales(img_scale)
        if img_ratios is not None and len(self.scales) > 1:
            raise UserAssertionError(
                'MultiScaleFlipAug takes img_ratios with at most one img_scale'
            )
        if img_ratios is None and not self.scales:
            raise UserAssertionError('MultiScaleFlipAug needs an img_scale or img_ratios')
        self.ratios = [img_ratios] if isinstance(img_ratios, (int, float)) else img_ratios
        directions = [flip_direction] if isinstance(flip_direction, str) else list(flip_direction)
        self.flips = [(False, directions[0])]
        if flip:
            self.flips += [(True, direction) for direction in directions]

    def __call__(self, results: dict[str, Any]) -> dict[str, list[Any]]:
        views = [
            self.transforms({**results, 'scale': scale, 'flip': flip, 'flip_direction': direction})
            for scale in self._scales_for(results)
            for flip, direction in self.flips
        ]
        return {key: [view[key] for view in views] for key in views[0]}

    def _scales_for(self, results: dict[str, Any]) -> list[tuple[int, int]]:
        if self.ratios is None:
            return self.scales
        height, width = results['img'].shape[:2]
        width, height = self.scales[0] if self.scales else (width, height)
        return [(int(width * ratio), int(height * ratio)) for ratio in self.ratios]
