"""Atrous spatial pyramid pooling (DeepLabv3, Chen et al., 2017), plain or depthwise separable."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from torch import nn

from mmseg.models.decode_heads.pooling import check_numbers, make_image_pool, pooled_to_size


class ASPPModule(nn.ModuleList):
    """Parallel convolutions of different dilations over the same map.

    Args:
        dilations: One branch each; dilation 1 is a 1×1 convolution, the others are 3×3.
        in_channels: Channels coming in.
        channels: Channels of each branch.
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.
        act_cfg: Config of activations.
        sep: Whether the 3×3 convolutions are depthwise separable.
    """

    def __init__(
        self,
        dilations: Sequence[int],
        in_channels: int,
        channels: int,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = None,
        *,
        sep: bool = False,
    ) -> None:
        super().__init__()
        self.dilations = check_numbers('dilations', dilations)
        self.sep = sep
        layers = {'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        for dilation in dilations:
            if dilation == 1:
                branch = ConvModule(in_channels, channels, 1, conv_cfg=conv_cfg, **layers)
            elif sep:
                branch = DepthwiseSeparableConvModule(
                    in_channels, channels, 3, dilation=dilation, padding=dilation, **layers
                )
            else:
                branch = ConvModule(
                    in_channels,
                    channels,
                    3,
                    dilation=dilation,
                    padding=dilation,
                    conv_cfg=conv_cfg,
                    **layers,
                )
            self.append(branch)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return every branch's map (B, channels, h, w) of x (B, in_channels, h, w)."""
        return [branch(x) for branch in self]

    def joined(self, x: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        """Return further maps, activated alike, and those of all branches along the channels."""
        return torch.cat([*more, *self(x)], dim=1)


class ASPPWrapper(nn.Module):
    """The pyramid, an optional image-level branch, and the convolution that joins them.

    Args:
        in_channels: Channels coming in.
        channels: Channels of each branch and of the result.
        sep: Whether the dilated convolutions are depthwise separable.
        dilations: Dilation of each branch.
        pool: Whether the mean over the image is a branch as well.
        norm_cfg: Config of norm layers.
        act_cfg: Config of activations.
        align_corners: As in `torch.nn.functional.interpolate`, for the image-level branch.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        sep: bool,
        dilations: Sequence[int],
        pool: bool,
        norm_cfg: Mapping[str, Any] | None,
        act_cfg: Mapping[str, Any] | None,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        layers = {'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        self.image_pool = make_image_pool(in_channels, channels, **layers) if pool else None
        self.aspp_modules = ASPPModule(dilations, in_channels, channels, sep=sep, **layers)
        num_branches = len(dilations) + int(pool)
        self.bottleneck = ConvModule(num_branches * channels, channels, 3, padding=1, **layers)

    @property
    def output_layer(self) -> nn.Module:
        """The layer that the result comes out of."""
        return self.bottleneck

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, in_channels, h, w) to (B, channels, h, w)."""
        pooled = []
        if self.image_pool is not None:
            pooled = [pooled_to_size(self.image_pool, x, self.align_corners)]
        return self.bottleneck(self.aspp_modules.joined(x, *pooled))
