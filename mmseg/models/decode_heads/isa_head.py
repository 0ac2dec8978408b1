"""ISANet's head: interlaced sparse self-attention (Huang et al., 2019)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.interlaced_attention import Relation, interlace


@HEADS.register_module()
class ISAHead(BaseDecodeHead):
    """Relates all pixels in two steps and joins the result to what it began with.

    Args:
        isa_channels: Channels of keys and queries.
        down_factor: Height and width of a window in pixels.
        **kwargs: Settings of `BaseDecodeHead`.
    """

    def __init__(
        self, isa_channels: int, down_factor: Sequence[int] = (8, 8), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.down_factor = tuple(down_factor)
        self.in_conv = ConvModule(self.in_channels, self.channels, 3, padding=1, **self.layers)
        self.global_relation = Relation(self.channels, isa_channels, 2, self.layers)
        self.local_relation = Relation(self.channels, isa_channels, 2, self.layers)
        self.out_conv = ConvModule(2 * self.channels, self.channels, 1, **self.layers)

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class."""
        return self.out_conv

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Relate the pixels; see the base class."""
        x = self.in_conv(self._transform_inputs(inputs))
        related = interlace(x, self.down_factor, self.global_relation, self.local_relation)
        return self.out_conv(torch.cat([related, x], dim=1))
