"""Resizing, and the bilinear weights behind it for those who need its transpose."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F


def resize(
    input: torch.Tensor,
    size: Sequence[int] | None = None,
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

    >>> maps = torch.tensor([[[[0.0, 4.0]]]])
    >>> resize(maps, size=(1, 4), mode='bilinear', align_corners=False)
    tensor([[[[0., 1., 3., 4.]]]])
    """
    whole = None if size is None else (int(size[0]), int(size[1]))
    return F.interpolate(input, whole, scale_factor, mode, align_corners)


def linear_taps(
    num_in: int,
    num_out: int,
    device: torch.device | None = None,
    align_corners: bool = False,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return what each output sample of linear resizing reads.

    Args:
        num_in: Samples along the input side.
        num_out: Samples along the output side.
        device: Where the result is to live.
        align_corners: As in `torch.nn.functional.interpolate`.

    Returns:
        Lower index (num_out,), upper index (num_out,), and the weight of the upper one
        (num_out,) in [0, 1): out[i] = (1 - weight) · in[lower] + weight · in[upper].

    >>> lower, upper, weight = linear_taps(2, 4)
    >>> lower.tolist(), upper.tolist(), weight.tolist()
    ([0, 0, 0, 1], [1, 1, 1, 1], [0.0, 0.25, 0.75, 0.0])
    """
    index = torch.arange(num_out, device=device, dtype=torch.float64)
    if align_corners:
        position = index * (num_in - 1) / max(num_out - 1, 1)
    else:
        position = (index + 0.5) * num_in / num_out - 0.5
    position = position.clamp(0, num_in - 1)
    lower = position.floor()
    upper = (lower + 1).clamp(max=num_in - 1)
    return lower.long(), upper.long(), (position - lower).float()


def linear_matrix(num_in: int, num_out: int, device: torch.device | None = None) -> torch.Tensor:
    """Return linear resizing (`align_corners=False`) along one side as a matrix.

    Args:
        num_in: Samples along the input side.
        num_out: Samples along the output side.
        device: Where the result is to live.

    Returns:
        Matrix (num_out, num_in) whose rows sum to 1; its transpose is the adjoint.

    >>> linear_matrix(2, 4) @ torch.tensor([0.0, 4.0])
    tensor([0., 1., 3., 4.])
    """
    lower, upper, weight = linear_taps(num_in, num_out, device)
    matrix = torch.zeros(num_out, num_in, device=device)
    rows = torch.arange(num_out, device=device)
    matrix[rows, lower] += 1 - weight
    matrix[rows, upper] += weight
    return matrix
