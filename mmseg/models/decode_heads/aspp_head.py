"""DeepLabv3's head and DeepLabv3+'s (Chen et al., 2017; ECCV 2018)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from torch import nn

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.aspp import ASPPModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.pooling import check_numbers, make_image_pool, pooled_to_size
from mmseg.utils.errors import UserAssertionError


@HEADS.register_module()
class ASPPHead(BaseDecodeHead):
    """Atrous spatial pyramid pooling with the image-level branch (DeepLabv3, figure 5).

    Args:
        dilations: Dilation of each branch.
        **kwargs: Settings of `BaseDecodeHead`.
    """

    separable = False

    def __init__(self, dilations: Sequence[int] = (1, 6, 12, 18), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dilations = check_numbers('dilations', dilations)
        self.image_pool = make_image_pool(self.in_channels, self.channels, **self.layers)
        self.aspp_modules = ASPPModule(
            dilations, self.in_channels, self.channels, sep=self.separable, **self.layers
        )
        self.bottleneck = ConvModule(
            (len(dilations) + 1) * self.channels, self.channels, 3, padding=1, **self.layers
        )

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class."""
        return self.bottleneck

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Join the branches; see the base class."""
        x = self._transform_inputs(inputs)
        pooled = pooled_to_size(self.image_pool, x, self.align_corners)
        return self.bottleneck(self.aspp_modules.joined(x, pooled))


@HEADS.register_module()
class DepthwiseSeparableASPPHead(ASPPHead):
    """The pyramid with separable convolutions, refined by the first stage (DeepLabv3+, figure 2).

    Args:
        c1_in_channels: Channels of the first stage; 0 leaves it out.
        c1_channels: To how many channels it is brought.
        **kwargs: Settings of `ASPPHead`.
    """

    separable = True

    def __init__(self, c1_in_channels: int, c1_channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if c1_in_channels < 0:
            raise UserAssertionError(f'c1_in_channels is {c1_in_channels}; expected at least 0')
        self.c1_bottleneck = None
        if c1_in_channels > 0:
            self.c1_bottleneck = ConvModule(c1_in_channels, c1_channels, 1, **self.layers)
        widths = (self.channels + c1_channels * (c1_in_channels > 0), self.channels)
        self.sep_bottleneck = nn.Sequential(
            *(
                DepthwiseSeparableConvModule(
                    width,
                    self.channels,
                    3,
                    padding=1,
                    norm_cfg=self.norm_cfg,
                    act_cfg=self.act_cfg,
                )
                for width in widths
            )
        )

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class."""
        last: Any = self.sep_bottleneck[-1]
        return last.pointwise_conv

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Refine the pyramid; see the base class."""
        x = super().embed(inputs)
        if self.c1_bottleneck is not None:
            fine = self.c1_bottleneck(inputs[0])
            x = torch.cat([self.upsample(x, fine.shape[2:]), fine], dim=1)
        return self.sep_bottleneck(x)
