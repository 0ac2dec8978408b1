"""Saturation and hue of RGB images (B, 3, H, W) in [0, 1], in the HSV model.

Value v = max, chroma d = max − min, saturation s = d / v; hue is counted in sixths of a turn.
"""

import torch

_TINY = 1e-8


def scale_saturation(image: torch.Tensor, factor: float) -> torch.Tensor:
    """Multiply the saturation, which then lies in [0, 1]; hue and value stay.

    Args:
        image: RGB images (B, 3, H, W) in [0, 1].
        factor: At least 0.

    Returns:
        New images (B, 3, H, W).

    >>> pink = torch.tensor([1.0, 0.5, 0.5]).view(1, 3, 1, 1)
    >>> scale_saturation(pink, 2).flatten()
    tensor([1., 0., 0.])
    """
    value = image.amax(1, keepdim=True)
    chroma = value - image.amin(1, keepdim=True)
    saturation = chroma / (value + _TINY)
    ratio = (saturation * factor).clamp(max=1) * value / chroma.clamp(min=_TINY)
    return value - (value - image) * ratio


def shift_hue(image: torch.Tensor, turns: float) -> torch.Tensor:
    """Turn the hue; saturation and value stay.

    Args:
        image: RGB images (B, 3, H, W) in [0, 1].
        turns: Shift in turns of the colour circle.

    Returns:
        New images (B, 3, H, W).

    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    >>> shift_hue(red, 1 / 3).flatten()
    tensor([0., 1., 0.])
    """
    value = image.amax(1, keepdim=True)
    chroma = value - image.amin(1, keepdim=True)
    red, green, blue = image.split(1, dim=1)
    step = chroma.clamp(min=_TINY)
    of_red, of_green, of_blue = (green - blue) / step, (blue - red) / step, (red - green) / step
    hue = torch.where(green == value, of_green + 2, of_blue + 4)
    hue = torch.where(red == value, of_red, hue) + 6 * turns
    # How far a channel lies below the value, from 0 to d, as the hue goes round (Smith, 1978).
    places = ((hue + offset) % 6 for offset in (5, 3, 1))
    drops = [torch.minimum(place, 4 - place).clamp(0, 1) for place in places]
    return value - chroma * torch.cat(drops, dim=1)
