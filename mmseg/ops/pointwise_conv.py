"""1 × 1 convolutions as matrix products, which CPUs do several times as quickly."""

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def pointwise_conv(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    channels_last: bool = False,
) -> torch.Tensor:
    """Mix the channels of every pixel; whatever order x lies in is read in place.

    Args:
        x: Maps (B, C, h, w), contiguous or in channels-last order; their gradient will be as well.
        weight: (O, C).
        bias: (O,).
        channels_last: The order of the result.

    Returns:
        Maps (B, O, h, w), in the type of autocast where that is on.
    """
    if torch.is_autocast_enabled('cpu'):
        dtype = torch.get_autocast_dtype('cpu')
        x, weight = x.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    return _PointwiseConv.apply(x, weight, bias, channels_last)


class _PointwiseConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        channels_last: bool,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return _product(weight, x, channels_last, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad_x = _product(weight.T, grad, not x.is_contiguous())
        grad_weight = torch.bmm(grad.flatten(2), x.flatten(2).transpose(1, 2)).sum(0)
        return grad_x, grad_weight, grad.sum((0, 2, 3)) if ctx.has_bias else None, None


def _product(
    weight: torch.Tensor, x: torch.Tensor, channels_last: bool, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Multiply (O, C) by maps (B, C, h, w): maps (B, O, h, w) in the order asked for."""
    weights, pixels = weight.expand(len(x), -1, -1), x.flatten(2)
    if channels_last:
        factors = pixels.transpose(1, 2), weights.transpose(1, 2)
    else:
        factors = weights, pixels
    if bias is None:
        mixed = torch.bmm(*factors)
    else:
        mixed = torch.baddbmm(bias if channels_last else bias[:, None], *factors)
    return (mixed.transpose(1, 2) if channels_last else mixed).unflatten(2, x.shape[2:])
