"""PSPNet's head: means over regions of several sizes (Zhao et al., CVPR 2017)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.pooling import PooledConv, check_numbers, pooled_to_size


class PyramidPooling(nn.ModuleList):
    """Parallel branches that average a map over grids of several sizes (figure 3).

    Args:
        pool_scales: Side of each grid.
        in_channels: Channels coming in.
        channels: Channels of each branch.
        align_corners: As in `torch.nn.functional.interpolate`.
        **layers: `conv_cfg`, `norm_cfg` and `act_cfg` of convolutions.
    """

    def __init__(
        self,
        pool_scales: Sequence[int],
        in_channels: int,
        channels: int,
        align_corners: bool,
        **layers: Any,
    ) -> None:
        super().__init__(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(scale), PooledConv(in_channels, channels, 1, **layers)
            )
            for scale in pool_scales
        )
        self.align_corners = align_corners

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return x (B, in_channels, h, w) and every branch's map (B, channels, h, w)."""
        return [x, *(pooled_to_size(branch, x, self.align_corners) for branch in self)]


@HEADS.register_module()
class PSPHead(BaseDecodeHead):
    """Joins a map with its means over regions.

    Args:
        pool_scales: Side of each grid of regions.
        **kwargs: Settings of `BaseDecodeHead`.
    """

    def __init__(self, pool_scales: Sequence[int] = (1, 2, 3, 6), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_scales = check_numbers('pool_scales', pool_scales)
        self.psp_modules = PyramidPooling(
            pool_scales, self.in_channels, self.channels, self.align_corners, **self.layers
        )
        self.bottleneck = ConvModule(
            self.in_channels + len(pool_scales) * self.channels,
            self.channels,
            3,
            padding=1,
            **self.layers,
        )

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class."""
        return self.bottleneck

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Join the regions' means; see the base class."""
        return self.bottleneck(torch.cat(self.psp_modules(self._transform_inputs(inputs)), dim=1))
