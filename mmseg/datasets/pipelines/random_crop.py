"""Cutting a window out of image and labels."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX

from ..builder import PIPELINES
from ..image_io import label_histogram
from ..randomness import generator_of
from .transform import Transform, check_range
from .transforms import label_keys

_MAX_CROPS = 10


@PIPELINES.register_module()
class RandomCrop(Transform):
    """Cut out a window at a random place.

    Args:
        crop_size: Height and width of the window; smaller images are kept whole.
        cat_max_ratio: Largest share that one class may take of the labelled pixels; up to ten
            windows are drawn for that. Without labels the first window is taken.
        ignore_index: Label that is not counted, beside 255.
    """

    is_random = True

    NEVER_CALLED: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ('get_crop_bbox', 'crop'), 'override __call__'
    )

    def __init__(
        self,
        crop_size: Sequence[int],
        cat_max_ratio: float = 1.0,
        ignore_index: int = IGNORE_INDEX,
    ) -> None:
        check_range(self, 'crop_size', crop_size, low=1, size=2)
        check_range(self, 'cat_max_ratio', cat_max_ratio, 0, 1)
        self.crop_size = tuple(crop_size)
        self.cat_max_ratio = cat_max_ratio
        self.ignore_index = ignore_index

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        rng = generator_of(results)
        window = self._draw_window(results['img'], rng)
        if self.cat_max_ratio < 1 and 'gt_semantic_seg' in results:
            for _ in range(_MAX_CROPS):
                if self._is_mixed(results['gt_semantic_seg'][window]):
                    break
                window = self._draw_window(results['img'], rng)
        for key in ('img', *label_keys(results)):
            results[key] = results[key][window]
        results['img_shape'] = results['img'].shape
        return results

    def _draw_window(self, image: np.ndarray, rng: np.random.Generator) -> tuple[slice, slice]:
        tops = [
            max(side - crop, 0) for side, crop in zip(image.shape, self.crop_size, strict=False)
        ]
        top, left = (int(rng.integers(margin, endpoint=True)) for margin in tops)
        return (
            slice(top, top + self.crop_size[0]),
            slice(left, left + self.crop_size[1]),
        )

    def _is_mixed(self, label: np.ndarray) -> bool:
        counts = label_histogram(label)
        counts[[self.ignore_index, IGNORE_INDEX]] = 0
        is_mixed = counts.max() < self.cat_max_ratio * counts.sum()
        return bool(is_mixed and np.count_nonzero(counts) > 1)
