"""Bilinear and nearest resizing, with mmsegmentation's signature."""

import torch
import torch.nn.functional as F


def resize(
    input: torch.Tensor,
    size: tuple[int, int] | None = None,
    scale_factor: float | None = None,
    mode: str = 'nearest',
    align_corners: bool | None = None,
    warning: bool = True,
) -> torch.Tensor:
    """Resize a batch of maps.

    Args:
        input: Maps (B, C, H, W).
        size: Output height and width in pixels.
        scale_factor: Multiplier of both sides, where `size` is not given.
        mode: 'nearest', 'bilinear', 'bicubic' or 'area'.
        align_corners: As in `torch.nn.functional.interpolate`.
        warning: Accepted for compatibility with mmsegmentation; nothing is warned of.

    Returns:
        Maps (B, C, H', W').
    """
    size = None if size is None else (int(size[0]), int(size[1]))
    return F.interpolate(input, size, scale_factor, mode, align_corners)
