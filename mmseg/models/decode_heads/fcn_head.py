"""The head of fully convolutional networks (Long et al., CVPR 2015)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.utils.errors import UserAssertionError


@HEADS.register_module()
class FCNHead(BaseDecodeHead):
    """Some convolutions, joined to what came in.

    Args:
        num_convs: How many convolutions; with 0 what came in is the embedding.
        kernel_size: Their kernel size.
        concat_input: Whether what came in is joined to what comes out.
        dilation: Their dilation.
        **kwargs: Settings of `BaseDecodeHead`.
    """

    def __init__(
        self,
        num_convs: int = 2,
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_convs, self.kernel_size = num_convs, kernel_size
        self.concat_input = concat_input
        if num_convs < 0 or dilation < 1:
            raise UserAssertionError(
                f'expected num_convs ≥ 0 and dilation ≥ 1, got {num_convs} and {dilation}'
            )
        if num_convs == 0 and self.in_channels != self.channels:
            raise UserAssertionError(
                f'without convolutions the channels stay: in_channels is {self.in_channels}, '
                f'channels {self.channels}'
            )
        padding = kernel_size // 2 * dilation
        widths = (self.in_channels, *(self.channels,) * num_convs)
        convs = [
            ConvModule(
                inner, self.channels, kernel_size, padding=padding, dilation=dilation, **self.layers
            )
            for inner in widths[:-1]
        ]
        self.convs = nn.Sequential(*convs) if convs else nn.Identity()
        self.conv_cat = None
        if concat_input:
            self.conv_cat = ConvModule(
                self.in_channels + self.channels,
                self.channels,
                kernel_size,
                padding=kernel_size // 2,
                **self.layers,
            )

    @property
    def embedding_layer(self) -> nn.Module | None:
        """See the base class; without convolutions the embedding is the encoder's map."""
        if self.conv_cat is not None:
            return self.conv_cat
        return self.convs[-1] if isinstance(self.convs, nn.Sequential) else None

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Convolve the map; see the base class."""
        x = self._transform_inputs(inputs)
        convolved = self.convs(x)
        if self.conv_cat is None:
            return convolved
        return self.conv_cat(torch.cat([x, convolved], dim=1))
