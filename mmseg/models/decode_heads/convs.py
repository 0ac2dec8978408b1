"""Convolutions that are quicker on a CPU than PyTorch's own; elsewhere they are those."""

from collections.abc import Iterable

import torch
from mmcv.cnn import CONV_LAYERS, ConvModule, DepthwiseSeparableConvModule
from torch import nn

from mmseg.ops import (
    PointwiseBranch,
    SeparableBranch,
    normed,
    pointwise_conv,
    separable_pyramid,
    wide_conv,
)


def is_traced() -> bool:
    """Say whether a compiler or an exporter looks on: they know PyTorch's own layers best."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def is_exported() -> bool:
    """Say whether an exporter looks on, whose graph is for other runtimes and open sizes."""
    return torch.compiler.is_exporting() or torch.jit.is_tracing()


def is_eager_on_cpu(x: torch.Tensor) -> bool:
    """Say whether x is on a CPU and nobody traces."""
    return x.device.type == 'cpu' and not is_traced()


@CONV_LAYERS.register_module()
class PointwiseConv(nn.Conv2d):
    """A 1 × 1 convolution."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        if is_eager_on_cpu(input):
            return pointwise_conv(input, self.weight.flatten(1), self.bias)
        return super().forward(input)


@CONV_LAYERS.register_module()
class WideConv(nn.Conv2d):
    """A convolution of many channels."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        if is_eager_on_cpu(input):
            return wide_conv(input, self.weight, self.bias, self.padding)
        return super().forward(input)


class PooledConv(ConvModule):
    """A convolution of means over regions, of which a batch may hold a single one."""

    def forward(self, x: torch.Tensor, activate: bool = True, norm: bool = True) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w)."""
        x = super().forward(x, activate=False, norm=False)
        if norm and self.with_norm:
            x = normed(self.norm, x)
        return self.activate(x) if activate and self.with_activation else x


class SeparableConv(DepthwiseSeparableConvModule):
    """A depthwise convolution, a pointwise one, and norm and activation after each."""

    @property
    def activate(self) -> nn.Module:
        """The last activation."""
        return self.pointwise_conv.activate

    def forward(self, x: torch.Tensor, activate: bool = True) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w); `activate` is the last layer's."""
        if is_eager_on_cpu(x) and is_pyramid([self]):
            return run_pyramid([self], x, activate)[0]
        return self.pointwise_conv(self.depthwise_conv(x), activate=activate)


def is_pyramid(branches: Iterable[nn.Module]) -> bool:
    """Say whether parallel layers are such that `run_pyramid` knows."""
    return all(
        _is_usual(branch) if isinstance(branch, SeparableConv) else _is_pointwise(branch)
        for branch in branches
    )


def run_pyramid(
    branches: Iterable[nn.Module], x: torch.Tensor, activate: bool = True
) -> list[torch.Tensor]:
    """Run parallel `SeparableConv`s and 1 × 1 `ConvModule`s on the same maps, on a CPU.

    Args:
        branches: What `is_pyramid` accepts.
        x: Maps (B, in_channels, h, w).
        activate: Whether the last activation of each branch is wanted.

    Returns:
        Each branch's maps (B, out_channels, h, w).
    """
    last = [getattr(branch, 'pointwise_conv', branch) for branch in branches]
    mixed = separable_pyramid(x, [_weights(branch) for branch in branches])
    normed = [layer.norm(maps) for layer, maps in zip(last, mixed, strict=True)]
    if not activate:
        return normed
    return [layer.activate(maps) for layer, maps in zip(last, normed, strict=True)]


def _weights(branch: nn.Module) -> PointwiseBranch:
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
    )


def _is_usual(layer: SeparableConv) -> bool:
    first, last = layer.depthwise_conv, layer.pointwise_conv
    conv, norm = first.conv, first.norm
    (side, other), (dilation, _) = conv.kernel_size, conv.dilation
    return (
        all(part.with_activation and part.conv.bias is None for part in (first, last))
        and isinstance(first.activate, nn.ReLU)
        and isinstance(norm, nn.BatchNorm2d)
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and last.with_norm
        and side == other
        and side % 2 == 1
        and tuple(conv.padding) == (dilation * (side // 2),) * 2
    )
