"""UPerNet's head: a feature pyramid under pyramid pooling (Xiao et al., ECCV 2018)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.pooling import check_numbers
from mmseg.models.decode_heads.psp_head import PyramidPooling


@HEADS.register_module()
class UPerHead(BaseDecodeHead):
    """Pools the last stage, adds it to the finer ones step by step, joins all (figure 4).

    Args:
        pool_scales: Side of each grid of regions.
        **kwargs: Settings of `BaseDecodeHead`.
    """

    def __init__(self, pool_scales: Sequence[int] = (1, 2, 3, 6), **kwargs: Any) -> None:
        super().__init__(input_transform='multiple_select', **kwargs)
        self.pool_scales = check_numbers('pool_scales', pool_scales)
        width, (*finer, last) = self.channels, self.in_channels
        self.psp_modules = PyramidPooling(
            pool_scales, last, width, self.align_corners, **self.layers
        )
        self.bottleneck = self._conv(last + len(pool_scales) * width, 3)
        self.lateral_convs = nn.ModuleList(self._conv(channels, 1) for channels in finer)
        self.fpn_convs = nn.ModuleList(self._conv(width, 3) for _ in finer)
        self.fpn_bottleneck = self._conv(len(self.in_channels) * width, 3)

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class."""
        return self.fpn_bottleneck

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Join the pyramid; see the base class."""
        *finer, last = self._transform_inputs(inputs)
        top = self.bottleneck(torch.cat(self.psp_modules(last), dim=1))
        outputs = [top]
        for maps, lateral, conv in reversed(
            [*zip(finer, self.lateral_convs, self.fpn_convs, strict=True)]
        ):
            top = lateral(maps) + self.upsample(top, maps.shape[2:])
            outputs.insert(0, conv(top))
        size = outputs[0].shape[2:]
        joined = torch.cat([self.upsample(maps, size) for maps in outputs], dim=1)
        return self.fpn_bottleneck(joined)

    def _conv(self, in_channels: int, kernel_size: int) -> nn.Module:
        return ConvModule(
            in_channels, self.channels, kernel_size, padding=kernel_size // 2, **self.layers
        )
