"""Layers of networks that are quicker on a CPU than PyTorch's own.

Each is a subclass of the layer whose place it takes, with the same parameters; elsewhere than on a
CPU, and where a compiler or an exporter looks on, it is that layer.
"""

from collections.abc import Iterable
from typing import Any

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from torch import nn
from torch.utils.checkpoint import checkpoint

from mmseg.models.backbones.mit_layers import Block

from .matrix_products import linear
from .pointwise_conv import pointwise_conv
from .separable_pyramid import PointwiseBranch, SeparableBranch, separable_pyramid
from .wide_conv import wide_conv

# Values of the tokens from which a block's memory matters.
_MANY_VALUES = 1 << 18
_USUAL_ORDER = ('conv', 'norm', 'act')


def is_traced() -> bool:
    """Say whether a compiler or an exporter looks on: they know PyTorch's own layers best."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def is_eager_on_cpu(x: torch.Tensor) -> bool:
    """Say whether x is on a CPU and nobody traces."""
    return x.device.type == 'cpu' and not is_traced()


class QuickLinear(nn.Linear):
    """A linear layer, quicker over tokens."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map (*, in_features) to (*, out_features)."""
        if input.dim() == 3:
            return linear(input, self.weight, self.bias)
        return super().forward(input)


class PointwiseConv(nn.Conv2d):
    """A 1 × 1 convolution."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        if is_eager_on_cpu(input):
            return pointwise_conv(input, self.weight.flatten(1), self.bias)
        return super().forward(input)


class WideConv(nn.Conv2d):
    """A convolution of many channels."""

    padding: tuple[int, ...]

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        if is_eager_on_cpu(input):
            return wide_conv(input, self.weight, self.bias, self.padding)
        return super().forward(input)


class SeparableConv(DepthwiseSeparableConvModule):
    """A depthwise convolution, a pointwise one, and norm and activation after each."""

    def forward(self, x: torch.Tensor, activate: bool = True) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w); `activate` is the last layer's."""
        if is_eager_on_cpu(x) and is_pyramid([self]):
            return run_pyramid([self], x, activate)[0]
        return self.pointwise_conv(self.depthwise_conv(x), activate=activate)


class ThriftyBlock(Block):
    """A transformer layer that computes its feed-forward layers again in the backward pass.

    They keep two thirds of what a layer keeps, and take a fiftieth of a training step.
    """

    def feed(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """See `Block`."""
        is_large = tokens.numel() >= _MANY_VALUES
        if self.with_cp or not (is_large and torch.is_grad_enabled() and is_eager_on_cpu(tokens)):
            return super().feed(tokens, height, width)
        keep_rng = self.mlp.drop.p > 0
        return checkpoint(
            super().feed, tokens, height, width, use_reentrant=False, preserve_rng_state=keep_rng
        )


def is_pyramid(branches: Iterable[nn.Module]) -> bool:
    """Say whether parallel layers are such that `run_pyramid` knows."""
    return all(
        _is_usual(branch) if isinstance(branch, SeparableConv) else _is_pointwise(branch)
        for branch in branches
    )


def run_pyramid(
    branches: Iterable[Any], x: torch.Tensor, activate: bool = True
) -> list[torch.Tensor]:
    """Run parallel `SeparableConv`s and 1 × 1 `ConvModule`s on the same maps, on a CPU.

    Args:
        branches: What `is_pyramid` accepts.
        x: Maps (B, in_channels, h, w).
        activate: Whether the last activation of each branch is wanted.

    Returns:
        Each branch's maps (B, out_channels, h, w).
    """
    last: list[Any] = [getattr(branch, 'pointwise_conv', branch) for branch in branches]
    mixed = separable_pyramid(x, [_weights(branch) for branch in branches])
    normed = [layer.norm(maps) for layer, maps in zip(last, mixed, strict=True)]
    if not activate:
        return normed
    return [layer.activate(maps) for layer, maps in zip(last, normed, strict=True)]


def _weights(branch: Any) -> PointwiseBranch:
    if not isinstance(branch, SeparableConv):
        return PointwiseBranch(branch.conv.weight.flatten(1))
    depthwise, norm = branch.depthwise_conv.conv, branch.depthwise_conv.norm
    if norm.training:
        norm.num_batches_tracked.add_(1)
    mixing = branch.pointwise_conv.conv.weight.flatten(1)
    return SeparableBranch(depthwise.weight, norm, mixing, depthwise.dilation[0])


def _is_pointwise(layer: nn.Module) -> bool:
    return (
        isinstance(layer, ConvModule)
        and isinstance(layer.conv, PointwiseConv)
        and layer.conv.bias is None
        and layer.with_norm
        and layer.with_activation
        and layer.order == _USUAL_ORDER
    )


def _is_usual(layer: SeparableConv) -> bool:
    first, last = layer.depthwise_conv, layer.pointwise_conv
    conv, norm = first.conv, first.norm
    (side, other), (dilation, _) = conv.kernel_size, conv.dilation
    return (
        all(type(part.conv) is nn.Conv2d and part.conv.bias is None for part in (first, last))
        and all(part.with_activation and part.order == _USUAL_ORDER for part in (first, last))
        and isinstance(first.activate, nn.ReLU)
        and isinstance(norm, nn.BatchNorm2d)
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and last.with_norm
        and side == other
        and side % 2 == 1
        and tuple(conv.stride) == (1, 1)
        and conv.padding_mode == 'zeros'
        and tuple(conv.padding) == (dilation * (side // 2),) * 2
    )
