"""The pyramid of parallel convolutions, joined and rectified at once."""

import torch
from mmcv.cnn import DepthwiseSeparableConvModule
from torch import nn

from mmseg.models.decode_heads.aspp import ASPPModule

from .cpu.layers import SeparableConv, is_eager_on_cpu, is_pyramid, is_traced, run_pyramid
from .joined_relu import joined_relu


class JoinedPyramid(ASPPModule):
    """Parallel convolutions whose ReLU comes after they are joined: they need not be kept twice.

    On a CPU separable ones go through in pieces that fit its memory, all branches at a time.
    """

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return every branch's map (B, channels, h, w) of x (B, in_channels, h, w)."""
        return self._run(x, activate=True)

    def joined(self, x: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        """Return further maps, activated alike, and those of all branches along the channels."""
        if is_traced() or not all(isinstance(_activation(branch), nn.ReLU) for branch in self):
            return super().joined(x, *more)
        return joined_relu([*more, *self._run(x, activate=False)])

    def _run(self, x: torch.Tensor, activate: bool) -> list[torch.Tensor]:
        if self.sep and is_eager_on_cpu(x) and is_pyramid(self):
            return run_pyramid(self, x, activate)
        if activate:
            return super().forward(x)
        return [_before_activation(branch, x) for branch in self]


def _activation(branch: nn.Module) -> nn.Module | None:
    """Return the last activation of a `ConvModule` or a separable convolution."""
    return getattr(getattr(branch, 'pointwise_conv', branch), 'activate', None)


def _before_activation(branch: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Run a branch up to its last activation."""
    if isinstance(branch, DepthwiseSeparableConvModule) and not isinstance(branch, SeparableConv):
        return branch.pointwise_conv(branch.depthwise_conv(x), activate=False)
    return branch(x, activate=False)
