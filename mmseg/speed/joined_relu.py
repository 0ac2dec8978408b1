"""ReLU of maps that are joined along their channels, without keeping the maps themselves."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable


def joined_relu(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """Join maps (B, C_i, h, w) to (B, ΣC_i, h, w) and set negative values to 0."""
    return _JoinedReLU.apply(*maps)


class _JoinedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *maps: torch.Tensor) -> torch.Tensor:
        joined = torch.cat(maps, dim=1).relu_()
        ctx.save_for_backward(joined)
        ctx.sizes = [part.shape[1] for part in maps]
        return joined

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (joined,) = ctx.saved_tensors
        # Each part gets memory of its own: norms take ten times as long for slices of the whole.
        parts = zip(grad.split(ctx.sizes, 1), joined.split(ctx.sizes, 1), strict=True)
        return tuple(torch.ops.aten.threshold_backward(*part, 0) for part in parts)
