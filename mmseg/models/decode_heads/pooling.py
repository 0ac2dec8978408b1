"""Branches that see the means over regions of a map, or over all of it."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.ops import normed, resize
from mmseg.utils.errors import UserAssertionError


class PooledConv(ConvModule):
    """A convolution of means over regions, of which a batch may hold a single one."""

    def forward(self, x: torch.Tensor, activate: bool = True, norm: bool = True) -> torch.Tensor:
        """Map (B, in_channels, h, w) to (B, out_channels, h, w); the arguments are mmcv's."""
        x = super().forward(x, activate=False, norm=False)
        if norm and self.with_norm:
            x = normed(self.norm, x)
        return self.activate(x) if activate and self.with_activation else x


def check_numbers(name: str, values: Any) -> tuple[int, ...]:
    """Return a list of whole numbers above 0, one for each branch, unless it is something else.

    Raises:
        UserError: Names the setting.
    """
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    if not is_list or not values or not all(isinstance(v, int) and v > 0 for v in values):
        raise UserAssertionError(
            f'{name}: expected whole numbers above 0, one for each branch, got {values!r}'
        )
    return tuple(values)


def make_image_pool(in_channels: int, channels: int, **layers: Any) -> nn.Sequential:
    """Make the image-level branch: the mean over the image and a 1×1 convolution.

    Args:
        in_channels: Channels coming in.
        channels: Channels going out.
        **layers: `conv_cfg`, `norm_cfg` and `act_cfg` of the convolution.

    Returns:
        A module that maps (B, in_channels, h, w) to (B, channels, 1, 1).
    """
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), PooledConv(in_channels, channels, 1, **layers))


def pooled_to_size(pool: nn.Module, x: torch.Tensor, align_corners: bool) -> torch.Tensor:
    """Pool x (B, C, h, w) and spread the result (B, C', h', w') over h×w."""
    return resize(pool(x), x.shape[2:], mode='bilinear', align_corners=align_corners)
