"""Interlaced sparse self-attention (Huang et al., 2019): among far pixels, then among near ones.

Legend: B images, C channels, h×w pixels. A map is cut into g×k windows of p×q pixels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.models.decode_heads.self_attention import SelfAttention


class Relation(SelfAttention):
    """Self-attention and a convolution after it.

    Args:
        channels: Channels C in and out.
        isa_channels: Channels of keys and queries.
        num_convs: Convolutions that project to keys and to queries.
        layers: `conv_cfg`, `norm_cfg` and `act_cfg` of convolutions.
    """

    def __init__(
        self, channels: int, isa_channels: int, num_convs: int, layers: Mapping[str, Any]
    ) -> None:
        super().__init__(channels, isa_channels, num_convs, layers)
        self.output_project = ConvModule(channels, channels, 1, **layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, C, h, w) to (B, C, h, w)."""
        return self.output_project(super().forward(x))


def interlace(
    x: torch.Tensor,
    window: Sequence[int],
    global_relation: nn.Module,
    local_relation: nn.Module,
) -> torch.Tensor:
    """Relate pixels of the same place in all windows, then the pixels of each window.

    Args:
        x: Map (B, C, h, w); padded with zeros evenly where windows do not fit.
        window: Height p and width q of a window.
        global_relation: Maps (B·p·q, C, g, k) to the same shape.
        local_relation: Maps (B·g·k, C, p, q) to the same shape.

    Returns:
        Map (B, C, h, w).
    """
    batch, _, height, width = x.shape
    # whole numbers all the way: a traced graph computes sizes too
    rows, columns = (height + window[0] - 1) // window[0], (width + window[1] - 1) // window[1]
    above = (rows * window[0] - height) // 2
    left = (columns * window[1] - width) // 2
    below = rows * window[0] - height - above
    right = columns * window[1] - width - left
    x = F.pad(x, (left, right, above, below))
    # (B, C, g, p, k, q) → (B, p, q, C, g, k)
    x = x.unflatten(3, (columns, window[1])).unflatten(2, (rows, window[0]))
    x = global_relation(x.permute(0, 3, 5, 1, 2, 4).flatten(0, 2))
    # (B, p, q, C, g, k) → (B, g, k, C, p, q)
    x = x.unflatten(0, (batch, *window)).permute(0, 4, 5, 3, 1, 2)
    x = local_relation(x.flatten(0, 2)).unflatten(0, (batch, rows, columns))
    x = x.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
    # a slice from a computed start would have a size that exporters cannot tell
    return F.pad(x, (-left, -right, -above, -below))


class InterlacedFusion(nn.Module):
    """DAFormer's fusion by interlaced attention (Hoyer et al., CVPR 2022, table 7).

    Args:
        in_channels: Channels coming in.
        channels: Channels going out.
        isa_channels: Channels of keys and queries.
        down_factor: Height and width of a window in pixels.
        key_query_num_convs: Convolutions that project to keys and to queries.
        in_conv_kernel_size: Kernel size of the convolution before; None for no such convolution.
        out_cat_and_conv: Whether what came into the attention is joined to what came out.
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.
        act_cfg: Config of activations.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        isa_channels: int,
        down_factor: Sequence[int] = (8, 8),
        key_query_num_convs: int = 2,
        in_conv_kernel_size: int | None = 1,
        out_cat_and_conv: bool = False,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = {'type': 'ReLU'},
    ) -> None:
        super().__init__()
        layers = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        self.down_factor = tuple(down_factor)
        self.in_conv = None
        if in_conv_kernel_size is not None:
            padding = in_conv_kernel_size // 2
            self.in_conv = ConvModule(
                in_channels, channels, in_conv_kernel_size, padding=padding, **layers
            )
        self.global_relation = Relation(channels, isa_channels, key_query_num_convs, layers)
        self.local_relation = Relation(channels, isa_channels, key_query_num_convs, layers)
        self.out_conv = (
            ConvModule(2 * channels, channels, 1, **layers) if out_cat_and_conv else None
        )

    @property
    def output_layer(self) -> nn.Module:
        """The layer that the result comes out of."""
        return self.local_relation.output_project if self.out_conv is None else self.out_conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, in_channels, h, w) to (B, channels, h, w)."""
        if self.in_conv is not None:
            x = self.in_conv(x)
        related = interlace(x, self.down_factor, self.global_relation, self.local_relation)
        if self.out_conv is None:
            return related
        return self.out_conv(torch.cat([related, x], dim=1))
