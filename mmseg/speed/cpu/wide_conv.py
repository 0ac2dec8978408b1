"""Convolutions of many channels on CPUs."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input, conv2d_weight

# Channels at a time in the gradient of float32 weights. Neighbours of a pixel that lie a multiple
# of 4096 bytes apart, as they do with 1024 channels, drive each other out of the cache.
_NUM_CHANNELS = 64


def wide_conv(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: Sequence[int]
) -> torch.Tensor:
    """Do what `torch.nn.functional.conv2d` does, with a quicker gradient of the weights.

    Args:
        x: Maps (B, C, h, w).
        weight: Kernels (O, C, k, k).
        bias: (O,).
        padding: Zeros around the height and the width.

    Returns:
        Maps (B, O, h', w'), in the type of autocast where that is on.
    """
    if torch.is_autocast_enabled('cpu'):
        dtype = torch.get_autocast_dtype('cpu')
        x, weight = x.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    return _WideConv.apply(x, weight, bias, padding)


class _WideConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        padding: Sequence[int],
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding, ctx.has_bias = padding, bias is not None
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad_x, grad_weight = None, None
        if ctx.needs_input_grad[0]:
            grad_x = conv2d_input(x.shape, weight, grad, padding=ctx.padding)
        if ctx.needs_input_grad[1]:
            grad_weight = _weight_gradient(x, weight, grad, ctx.padding)
        grad_bias = grad.sum((0, 2, 3)) if ctx.has_bias else None
        return grad_x, grad_weight, grad_bias, None


def _weight_gradient(
    x: torch.Tensor, weight: torch.Tensor, grad: torch.Tensor, padding: Sequence[int]
) -> torch.Tensor:
    size = _NUM_CHANNELS if x.dtype == torch.float32 else x.shape[1]
    parts = [
        conv2d_weight(
            some.contiguous(memory_format=torch.channels_last),
            torch.Size([len(weight), some.shape[1], *weight.shape[2:]]),
            grad,
            padding=padding,
        )
        for some in x.split(size, 1)
    ]
    return torch.cat(parts, 1)
