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
    mixed = _PointwiseConv.apply(x.flatten(2), weight, bias, channels_last)
    return (mixed.transpose(1, 2) if channels_last else mixed).unflatten(2, x.shape[2:])


class _PointwiseConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        pixels: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        channels_last: bool,
    ) -> torch.Tensor:
        ctx.save_for_backward(pixels, weight)
        ctx.has_bias, ctx.channels_last = bias is not None, channels_last
        weights = weight.expand(len(pixels), -1, -1)
        if channels_last:
            factors = pixels.transpose(1, 2), weights.transpose(1, 2)
        else:
            factors = weights, pixels
        if bias is None:
            return torch.bmm(*factors)
        return torch.baddbmm(bias if channels_last else bias[:, None], *factors)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        pixels, weight = ctx.saved_tensors
        grad = grad.transpose(1, 2) if ctx.channels_last else grad
        weights = weight.expand(len(pixels), -1, -1)
        if pixels.is_contiguous():
            grad_pixels = torch.bmm(weights.transpose(1, 2), grad)
        else:
            grad_pixels = torch.bmm(grad.transpose(1, 2), weights).transpose(1, 2)
        grad_weight = torch.bmm(grad, pixels.transpose(1, 2)).sum(0)
        return grad_pixels, grad_weight, grad.sum((0, 2)) if ctx.has_bias else None, None
