"""Weak and strong views: colour jitter and Gaussian blur (method: views).

Every draw comes from the generator that is passed in; images are never changed in place; nothing
here waits for the images' device.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from mmseg.ops import scale_saturation, shift_hue, to_device
from mmseg.utils.distributed import own_part, world_size
from mmseg.utils.logger import get_root_logger

from .settings import expect

BLUR_SIGMA_RANGE = (0.15, 1.15)
BLUR_SKIP_PROBABILITY = 0.5
# Standard deviations beyond which a Gaussian adds less than float32 resolves.
BLUR_REACH = 6


@dataclass(frozen=True)
class ViewSettings:
    """What a view may do to a batch.

    Attributes:
        jitter_strength: Half-width of the factors around 1, and of the hue shift around 0 in turns.
        jitter_threshold: A batch is jittered when a uniform draw exceeds this.
        blur: Whether a batch may be blurred.
    """

    jitter_strength: float = 0.2
    jitter_threshold: float = 0.2
    blur: bool = True

    def __post_init__(self) -> None:
        strength, threshold = self.jitter_strength, self.jitter_threshold
        expect(0 <= strength <= 0.5, 'color_jitter_strength', 'a number in [0, 0.5]', strength)
        expect(0 <= threshold <= 1, 'color_jitter_probability', 'a number in [0, 1]', threshold)


def color_jitter(
    image: torch.Tensor,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    order: Sequence[int],
) -> torch.Tensor:
    """Change colours as the published code does, in the order given.

    Args:
        image: RGB images (B, 3, H, W) in [0, 1].
        brightness: Factor; factor − 1 is added to every value.
        contrast: Factor of every value.
        saturation: Factor of the HSV saturation.
        hue: Shift in turns of the colour circle, in [−0.5, 0.5].
        order: A permutation of 0 brightness, 1 contrast, 2 saturation, 3 hue.

    Returns:
        New images (B, 3, H, W) in [0, 1].

    >>> grey = torch.full((1, 3, 1, 1), 0.5)
    >>> color_jitter(grey, 1.25, contrast=1, saturation=2, hue=0.1, order=[0, 1, 2, 3]).flatten()
    tensor([0.7500, 0.7500, 0.7500])
    """
    steps = (
        lambda x: (x + (brightness - 1)).clamp(0, 1),
        lambda x: (x * contrast).clamp(0, 1),
        lambda x: scale_saturation(x, saturation),
        lambda x: shift_hue(x, hue),
    )
    for index in order:
        image = steps[index](image)
    return image


def gaussian_blur(image: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
    """Blur with a kernel that spans about a tenth of each side, mirrored at the borders.

    Args:
        image: Images (B, C, H, W).
        sigma: Standard deviation in pixels, one for all images or one each (B,) on the CPU.

    Returns:
        New images (B, C, H, W).

    >>> dot = torch.zeros(1, 1, 30, 30)
    >>> dot[..., 15, 15] = 1
    >>> blurred = gaussian_blur(dot, sigma=1.0)
    >>> int((blurred > 0.01).sum()), round(float(blurred.sum()), 3)
    (9, 1.0)
    """
    batch, channels, height, width = image.shape
    sigmas = torch.as_tensor(sigma, dtype=image.dtype).expand(batch)
    reach = math.ceil(BLUR_REACH * max(sigmas.tolist()))
    planes = image.reshape(1, batch * channels, height, width)
    for across, side in ((True, width), (False, height)):
        radius = min(blur_kernel_size(side) // 2, reach)
        padding = (radius, radius, 0, 0) if across else (0, 0, radius, radius)
        shape = (-1, 1, 1, 2 * radius + 1) if across else (-1, 1, 2 * radius + 1, 1)
        kernels = _gaussian_kernels(sigmas, radius).repeat_interleave(channels, dim=0)
        kernels = to_device(kernels.reshape(shape), image.device)
        planes = F.conv2d(F.pad(planes, padding, mode='reflect'), kernels, groups=len(kernels))
    return planes.reshape(image.shape)


def _gaussian_kernels(sigmas: torch.Tensor, radius: int) -> torch.Tensor:
    """Return normalised kernels (B, 2 · radius + 1)."""
    offsets = torch.arange(-radius, radius + 1, dtype=sigmas.dtype)
    return (-(offsets**2) / (2 * sigmas[:, None] ** 2)).softmax(dim=1)


def blur_kernel_size(side: int) -> int:
    """Return the odd number at or just below a tenth of `side` pixels, rounded up first.

    >>> blur_kernel_size(512), blur_kernel_size(60)
    (51, 5)
    """
    tenth = math.ceil(side / 10)
    return tenth - 1 + tenth % 2


def draw_view(
    image: torch.Tensor,
    mean: torch.Tensor,
    std: torch.Tensor,
    settings: ViewSettings,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return a randomly jittered and blurred copy of a batch.

    Whether to jitter and whether to blur is drawn once for the batch; factors, order and σ once
    an image. Several processes draw for the batch of all of them and keep what is for their images.

    Args:
        image: Normalised images (B, K, H, W); those of other than three bands are not jittered.
        mean: Channel means (K,) of the normalisation, of values in [0, 255], on the CPU.
        std: Channel standard deviations (K,), on the CPU.
        settings: The view's settings.
        generator: CPU generator that the draws come from, in one state on all processes.

    Returns:
        New normalised images (B, K, H, W).

    >>> images, mean, std = torch.zeros(2, 3, 8, 8), torch.full((3,), 120.0), torch.full((3,), 60.0)
    >>> generators = (torch.Generator().manual_seed(3) for _ in range(2))
    >>> one, same = (draw_view(images, mean, std, ViewSettings(), g) for g in generators)
    >>> one.shape == images.shape, torch.equal(one, same)
    (True, True)
    """
    jitter_draw, blur_draw = torch.rand(2, generator=generator).tolist()
    strength, num_images = settings.jitter_strength, len(image) * world_size()
    if jitter_draw > settings.jitter_threshold and strength > 0 and _has_colours(image.shape[1]):
        mean, std = (_per_channel(t, image) for t in (mean, std))
        plain = image * std + mean
        draws = own_part([_draw_jitter(strength, generator) for _ in range(num_images)])
        pairs = zip(plain.split(1), draws, strict=True)
        image = (torch.cat([color_jitter(one, *draw) for one, draw in pairs]) - mean) / std
    if settings.blur and blur_draw > BLUR_SKIP_PROBABILITY:
        low, high = BLUR_SIGMA_RANGE
        sigma = low + (high - low) * torch.rand(num_images, generator=generator)
        image = gaussian_blur(image, own_part(sigma))
    return image


def normalisation_of(img_metas: Sequence[Mapping[str, Any]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the channel means and standard deviations (K,) that images were normalised with.

    >>> normalisation_of([{'img_norm_cfg': {'mean': [123.5], 'std': [58.5]}}])
    (tensor([123.5000]), tensor([58.5000]))
    """
    norm = img_metas[0]['img_norm_cfg']
    return torch.as_tensor(norm['mean']), torch.as_tensor(norm['std'])


@functools.cache
def _has_colours(num_bands: int) -> bool:
    """Say whether jitter knows what bands mean, and tell, once, if it does not."""
    if num_bands != 3:
        get_root_logger().info(f'images of {num_bands} bands get no colour jitter, which knows 3')
    return num_bands == 3


class _Jitter(NamedTuple):
    """What `color_jitter` does to one image."""

    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: Sequence[int]


def _per_channel(statistic: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Bring a statistic (3,) of values in [0, 255] to images in [0, 1], ready to be broadcast."""
    return to_device(statistic.to(image.dtype), image.device).reshape(1, -1, 1, 1) / 255


def _draw_jitter(strength: float, generator: torch.Generator) -> _Jitter:
    shifts = ((torch.rand(4, generator=generator) * 2 - 1) * strength).tolist()
    order = torch.randperm(4, generator=generator).tolist()
    brightness, contrast, saturation, hue = shifts
    return _Jitter(1 + brightness, 1 + contrast, 1 + saturation, hue, order)
