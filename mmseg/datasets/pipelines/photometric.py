"""Steps that change the values of pixels and leave them in their places."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import cv2
import mmcv
import numpy as np

from mmseg.utils.errors import UserAssertionError, UserError

from ..builder import PIPELINES
from ..randomness import generator_of
from .transform import Transform, check_range


@PIPELINES.register_module()
class Normalize(Transform):
    """Bring the image to zero mean and unit deviation, as float32.

    Args:
        mean: Mean of each channel, in the order of the result, 0-255.
        std: Standard deviation of each channel, likewise.
        to_rgb: Whether to turn BGR into RGB first.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], to_rgb: bool = True) -> None:
        self.mean = np.array(mean, np.float32)
        self.std = np.array(std, np.float32)
        self.to_rgb = to_rgb

    @property
    def settings(self) -> dict[str, Any]:
        """What samples carry as `img_norm_cfg`."""
        return {'mean': self.mean, 'std': self.std, 'to_rgb': self.to_rgb}

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img']
        image = image[..., None] if image.ndim == 2 else image  # grey
        check_bands(self, image.shape[2], results)
        if self.to_rgb:
            image = image[..., ::-1]
        image = image.astype(np.float32, order='C')
        image -= self.mean
        image /= self.std
        results['img'] = image
        results['img_norm_cfg'] = self.settings
        return results


def check_bands(step: Normalize, num_bands: int, results: dict[str, Any]) -> None:
    """Compare the bands of an image with those that are normalised.

    Raises:
        UserError: They differ.
    """
    for name in ('mean', 'std'):
        size = getattr(step, name).size
        if size not in (1, num_bands):
            raise UserAssertionError(
                f'Normalize: {name} has {size} values, the image {results.get("filename")} has '
                f'{num_bands} bands: give one for each, or read others (color_type of '
                'LoadImageFromFile)'
            )


@PIPELINES.register_module()
class Rerange(Transform):
    """Stretch the image's values linearly to [`min_value`, `max_value`]."""

    def __init__(self, min_value: float = 0, max_value: float = 255) -> None:
        if min_value >= max_value:
            raise UserAssertionError(f'min_value {min_value} must be below max_value {max_value}')
        self.min_value = min_value
        self.max_value = max_value

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img'].astype(np.float32)
        low, high = image.min(), image.max()
        if low == high:
            raise UserError(f'Rerange got an image of one value: {results.get("filename")}')
        share = (image - low) / (high - low)
        results['img'] = share * (self.max_value - self.min_value) + self.min_value
        return results


@PIPELINES.register_module()
class CLAHE(Transform):
    """Equalise the histogram of each channel locally, with limited contrast.

    Args:
        clip_limit: Threshold of the contrast.
        tile_grid_size: Number of tiles along each side.
    """

    def __init__(self, clip_limit: float = 40.0, tile_grid_size: Sequence[int] = (8, 8)) -> None:
        check_range(self, 'clip_limit', clip_limit, low=0)
        check_range(self, 'tile_grid_size', tile_grid_size, low=1, size=2)
        self.clip_limit = clip_limit
        self.tile_grid_size = tuple(tile_grid_size)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        clahe = cv2.createCLAHE(self.clip_limit, self.tile_grid_size)
        channels = cv2.split(np.asarray(results['img'], np.uint8))
        results['img'] = cv2.merge([clahe.apply(channel) for channel in channels])
        return results


@PIPELINES.register_module()
class RGB2Gray(Transform):
    """Replace the channels by their weighted sum.

    Args:
        out_channels: Number of equal channels of the result; None for as many as came in.
        weights: Weight of each channel.
    """

    def __init__(
        self, out_channels: int | None = None, weights: Sequence[float] = (0.299, 0.587, 0.114)
    ) -> None:
        if out_channels is not None:
            check_range(self, 'out_channels', out_channels, low=1)
        check_range(self, 'weights', weights, size=len(weights))
        self.out_channels = out_channels
        self.weights = np.array(weights)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img']
        gray = (image * self.weights).sum(2, keepdims=True)
        results['img'] = gray.repeat(self.out_channels or image.shape[2], axis=2)
        results['img_shape'] = results['pad_shape'] = results['img'].shape
        return results


@PIPELINES.register_module()
class AdjustGamma(Transform):
    """Correct the image by the power 1 / `gamma`."""

    def __init__(self, gamma: float = 1.0) -> None:
        if gamma <= 0:
            raise UserAssertionError(f'gamma must be above 0, got {gamma}')
        self.gamma = gamma
        # cut off, not rounded, as published
        self.table = ((np.arange(256) / 255) ** (1 / gamma) * 255).astype(np.uint8)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        results['img'] = self.table[np.asarray(results['img'], np.uint8)]
        return results


@PIPELINES.register_module()
class PhotoMetricDistortion(Transform):
    """Change brightness, contrast, saturation and hue, each with probability 0.5.

    Contrast comes first or last, also with probability 0.5.

    Args:
        brightness_delta: Largest value added or taken away, of 255.
        contrast_range: Smallest and largest factor on all values.
        saturation_range: Smallest and largest factor on the saturation.
        hue_delta: Largest turn of the hue, in units of 2 degrees.
    """

    is_random = True
    NEVER_CALLED: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ('convert', 'brightness', 'contrast', 'saturation', 'hue'), 'override __call__'
    )

    def __init__(
        self,
        brightness_delta: float = 32,
        contrast_range: Sequence[float] = (0.5, 1.5),
        saturation_range: Sequence[float] = (0.5, 1.5),
        hue_delta: int = 18,
    ) -> None:
        check_range(self, 'brightness_delta', brightness_delta, low=0)
        check_range(self, 'contrast_range', contrast_range, low=0, size=2)
        check_range(self, 'saturation_range', saturation_range, low=0, size=2)
        check_range(self, 'hue_delta', hue_delta, low=0)
        self.brightness_delta = brightness_delta
        self.contrast_range = contrast_range
        self.saturation_range = saturation_range
        self.hue_delta = hue_delta

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        rng = generator_of(results)
        # All draws are made, used or not, so that one setting does not shift the next.
        brighten, contrast_first, change_contrast, saturate, turn = rng.random(5) < 0.5
        beta = rng.uniform(-self.brightness_delta, self.brightness_delta)
        contrast = rng.uniform(self.contrast_range[0], self.contrast_range[1])
        saturation = rng.uniform(self.saturation_range[0], self.saturation_range[1])
        hue = int(rng.integers(-self.hue_delta, self.hue_delta, endpoint=True))

        image = results['img']
        if brighten:
            image = _scale(image, 1, beta)
        if change_contrast and contrast_first:
            image = _scale(image, contrast, 0)
        if saturate or turn:
            image = _shift_hsv(image, saturation if saturate else 1, hue if turn else 0)
        if change_contrast and not contrast_first:
            image = _scale(image, contrast, 0)
        results['img'] = image
        return results


def _scale(values: np.ndarray, factor: float, offset: float) -> np.ndarray:
    return np.clip(values.astype(np.float32) * factor + offset, 0, 255).astype(np.uint8)


def _shift_hsv(image: np.ndarray, saturation: float, hue: int) -> np.ndarray:
    hsv = mmcv.bgr2hsv(image)
    hsv[..., 1] = _scale(hsv[..., 1], saturation, 0)
    hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
    return mmcv.hsv2bgr(hsv)
