"""Steps that change where pixels are: resize, flip, pad, rotate.

Images are (H, W, channels), labels (H, W); sizes in configs are (width, height) for scales and
(height, width) for pads, as in mmsegmentation.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import cv2
import mmcv
import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.picture_box import PICTURE_BOX, PictureBox
from mmseg.utils.errors import UserAssertionError

from ..builder import PIPELINES
from ..randomness import generator_of
from .transform import Transform, check_range

Scale = tuple[int, int]


def new_label(results: dict[str, Any], value: int) -> int:
    """Return the label of pixels that a step adds: what files hold for "ignored" means 255."""
    return IGNORE_INDEX if value == results.get('ignore_index') else value


def label_keys(results: dict[str, Any]) -> Iterator[str]:
    """Go through the names of the label maps of a sample."""
    return iter(results.get('seg_fields', ()))


_OVERRIDE_CALL = 'override __call__'


@PIPELINES.register_module()
class Resize(Transform):
    """Resize image (bilinear) and labels (nearest), to `results['scale']` where that is set.

    Args:
        img_scale: One (width, height), or several to draw from; None for the image's own size
            (with `ratio_range`) or for test time, where the scale is set from outside.
        multiscale_mode: With several scales, 'range' draws both sides between the smallest and
            the largest, 'value' picks one of them.
        ratio_range: Smallest and largest factor on the scale.
        keep_ratio: Whether the scale is a box to fit into rather than the size itself.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(('_random_scale', 'random_select', 'random_sample'), _OVERRIDE_CALL),
        **dict.fromkeys(('random_sample_ratio', '_resize_img', '_resize_seg'), _OVERRIDE_CALL),
    }

    def __init__(
        self,
        img_scale: Sequence[Any] | None = None,
        multiscale_mode: str = 'range',
        ratio_range: Sequence[float] | None = None,
        keep_ratio: bool = True,
    ) -> None:
        self.scales = as_scales(img_scale)
        if multiscale_mode not in ('range', 'value'):
            raise UserAssertionError(
                f"multiscale_mode must be 'range' or 'value', got {multiscale_mode!r}"
            )
        if ratio_range is not None:
            check_range(self, 'ratio_range', ratio_range, low=0, size=2)
        if ratio_range is not None and len(self.scales) > 1:
            raise UserAssertionError('Resize takes a ratio_range with at most one img_scale')
        self.multiscale_mode = multiscale_mode
        self.ratio_range = ratio_range
        self.keep_ratio = keep_ratio

    @property
    def is_random(self) -> bool:
        """Whether the scale is drawn."""
        return self.ratio_range is not None or len(self.scales) > 1

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        if 'scale' not in results:
            results['scale'] = self._draw_scale(results)
        old_height, old_width = results['img'].shape[:2]
        width, height = self.target_size(old_width, old_height, results['scale'])
        results['img'] = _resize(results['img'], width, height, cv2.INTER_LINEAR)
        for key in label_keys(results):
            results[key] = _resize(results[key], width, height, cv2.INTER_NEAREST)
        return self.describe(results, (old_height, old_width))

    def describe(self, results: dict[str, Any], old_size: Sequence[int]) -> dict[str, Any]:
        """Note what is known of an image just resized.

        Args:
            results: The sample, with the resized `img`; changed in place.
            old_size: Height and width before.

        Returns:
            `results`.
        """
        height, width = results['img'].shape[:2]
        if PICTURE_BOX in results:
            results[PICTURE_BOX] = results[PICTURE_BOX].resized(old_size, (height, width))
        factors = [width / old_size[1], height / old_size[0]]
        results['scale_factor'] = np.array(factors * 2, np.float32)
        results['img_shape'] = results['pad_shape'] = results['img'].shape
        results['keep_ratio'] = self.keep_ratio
        return results

    def target_size(self, width: int, height: int, scale: Scale) -> Scale:
        """Return the width and height that an image gets at a scale."""
        if not self.keep_ratio:
            return int(scale[0]), int(scale[1])
        return mmcv.rescale_size((width, height), tuple(scale))

    def _draw_scale(self, results: dict[str, Any]) -> Scale:
        if self.ratio_range is not None:
            height, width = results['img'].shape[:2]
            width, height = self.scales[0] if self.scales else (width, height)
            low, high = self.ratio_range
            ratio = generator_of(results).uniform(low, high)
            return int(width * ratio), int(height * ratio)
        if not self.scales:
            raise UserAssertionError(
                'Resize needs an img_scale, a ratio_range or a scale set from outside'
            )
        if len(self.scales) == 1:
            return self.scales[0]
        rng = generator_of(results)
        if self.multiscale_mode == 'value':
            return self.scales[rng.integers(len(self.scales))]
        longs, shorts = [max(s) for s in self.scales], [min(s) for s in self.scales]
        long = rng.integers(min(longs), max(longs), endpoint=True)
        short = rng.integers(min(shorts), max(shorts), endpoint=True)
        return int(long), int(short)


def as_scales(img_scale: Sequence[Any] | None) -> list[Scale]:
    """Read one (width, height) or several; JSON configs write both as lists."""
    if img_scale is None:
        return []
    several = img_scale if isinstance(img_scale[0], Sequence) else [img_scale]
    return [(int(width), int(height)) for width, height in several]


def _resize(array: np.ndarray, width: int, height: int, interpolation: int) -> np.ndarray:
    if array.shape[:2] == (height, width):
        return array
    return cv2.resize(array, (width, height), interpolation=interpolation)


@PIPELINES.register_module()
class RandomFlip(Transform):
    """Flip image and labels, where `results['flip']` says so or else by chance.

    Args:
        prob: Probability of a flip; None for never, unless set from outside.
        direction: 'horizontal' or 'vertical'.
        flip_ratio: What `prob` was called before.
    """

    is_random = True

    def __init__(
        self,
        prob: float | None = None,
        direction: str = 'horizontal',
        flip_ratio: float | None = None,
    ) -> None:
        if prob is not None and flip_ratio is not None:
            raise UserAssertionError(
                'RandomFlip: prob and flip_ratio are the same, give one of them'
            )
        prob = flip_ratio if prob is None else prob
        if prob is not None and not 0 <= prob <= 1:
            raise UserAssertionError(f'prob must lie between 0 and 1, got {prob}')
        if direction not in ('horizontal', 'vertical'):
            raise UserAssertionError(
                f"direction must be 'horizontal' or 'vertical', got {direction!r}"
            )
        self.prob = prob
        self.direction = direction

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        if 'flip' not in results:
            results['flip'] = bool(self.prob and generator_of(results).random() < self.prob)
        if 'flip_direction' not in results:
            results['flip_direction'] = self.direction
        if results['flip']:
            code = 1 if results['flip_direction'] == 'horizontal' else 0
            for key in ('img', *label_keys(results)):
                results[key] = cv2.flip(results[key], code)
            if PICTURE_BOX in results:
                box, size = results[PICTURE_BOX], results['img'].shape
                results[PICTURE_BOX] = box.flipped(size, results['flip_direction'])
        return results


@PIPELINES.register_module()
class Pad(Transform):
    """Pad image and labels on the right and at the bottom, and note where the picture lies.

    What a network says of padding in a test is cut off by that note, the `PictureBox` under
    'picture_box'.

    Args:
        size: Smallest (height, width) to pad to.
        size_divisor: Number whose multiples both sides become, where `size` is not given.
        pad_val: Value of new pixels.
        seg_pad_val: Label of new pixels.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ('_pad_img', '_pad_seg'), _OVERRIDE_CALL
    )

    def __init__(
        self,
        size: Sequence[int] | None = None,
        size_divisor: int | None = None,
        pad_val: float = 0,
        seg_pad_val: int = IGNORE_INDEX,
    ) -> None:
        if (size is None) == (size_divisor is None):
            raise UserAssertionError('Pad takes either size or size_divisor')
        if size is not None:
            check_range(self, 'size', size, low=0, size=2)
        else:
            check_range(self, 'size_divisor', size_divisor, low=1)
        self.size = size
        self.size_divisor = size_divisor
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        old = results['img'].shape[:2]
        if self.size is None:
            size = [-(-side // self.size_divisor) * self.size_divisor for side in old]
        else:
            size = [max(side, least) for side, least in zip(old, self.size, strict=True)]
        bottom, right = size[0] - old[0], size[1] - old[1]
        if bottom or right:
            results.setdefault(PICTURE_BOX, PictureBox(0, 0, *old))
        results['img'] = _pad(results['img'], bottom, right, self.pad_val)
        for key in label_keys(results):
            results[key] = _pad(results[key], bottom, right, new_label(results, self.seg_pad_val))
        results['pad_shape'] = results['img'].shape
        results['pad_fixed_size'] = self.size
        results['pad_size_divisor'] = self.size_divisor
        return results


def _pad(array: np.ndarray, bottom: int, right: int, value: float) -> np.ndarray:
    if not bottom and not right:
        return array
    border = cv2.BORDER_CONSTANT
    return cv2.copyMakeBorder(array, 0, bottom, 0, right, border, value=[value] * 4)


@PIPELINES.register_module()
class RandomRotate(Transform):
    """Rotate image and labels about `center`.

    Args:
        prob: Probability of a rotation.
        degree: Range to draw the angle from, or its half-width around 0, in degrees clockwise.
        pad_val: Value of new pixels.
        seg_pad_val: Label of new pixels.
        center: (x, y) in pixels; None for the middle.
        auto_bound: Whether the image grows to hold all of the rotated one.
    """

    is_random = True

    def __init__(
        self,
        prob: float,
        degree: float | Sequence[float],
        pad_val: float = 0,
        seg_pad_val: int = IGNORE_INDEX,
        center: Sequence[float] | None = None,
        auto_bound: bool = False,
    ) -> None:
        check_range(self, 'prob', prob, 0, 1)
        if isinstance(degree, Sequence):
            check_range(self, 'degree', degree, size=2)
        else:
            check_range(self, 'degree', degree, low=0)
        if center is not None:
            check_range(self, 'center', center, size=2)
        self.prob = prob
        self.degree = tuple(degree) if isinstance(degree, Sequence) else (-degree, degree)
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self.center = center
        self.auto_bound = auto_bound

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        rng = generator_of(results)
        rotate, angle = rng.random() < self.prob, rng.uniform(self.degree[0], self.degree[1])
        if not rotate:
            return results
        common = {'center': self.center, 'auto_bound': self.auto_bound}
        results['img'] = mmcv.imrotate(results['img'], angle, border_value=self.pad_val, **common)
        for key in label_keys(results):
            results[key] = mmcv.imrotate(
                results[key],
                angle,
                border_value=new_label(results, self.seg_pad_val),
                interpolation='nearest',
                **common,
            )
        results['img_shape'] = results['img'].shape
        return results


@PIPELINES.register_module()
class SegRescale(Transform):
    """Rescale the labels alone by `scale_factor`."""

    def __init__(self, scale_factor: float = 1) -> None:
        check_range(self, 'scale_factor', scale_factor, low=0)
        self.scale_factor = scale_factor

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        for key in label_keys(results):
            height, width = results[key].shape
            width, height = mmcv.rescale_size((width, height), self.scale_factor)
            results[key] = _resize(results[key], width, height, cv2.INTER_NEAREST)
        return results
