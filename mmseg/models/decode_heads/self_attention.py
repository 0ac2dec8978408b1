"""Attention among the pixels of a map, with projections by convolutions.

Legend: B images, C channels, d channels of keys and queries, h×w pixels.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from torch import nn


class SelfAttention(nn.Module):
    """Every pixel becomes a mean of all values, weighed by softmax of keys times its query.

    Args:
        in_channels: Channels C in and out.
        channels: Channels d of keys and queries.
        num_convs: Convolutions that project to keys and to queries.
        layers: `conv_cfg`, `norm_cfg` and `act_cfg` of these; None for bare convolutions.
        scaled: Whether products are divided by the square root of d.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_convs: int = 1,
        layers: Mapping[str, Any] | None = None,
        scaled: bool = True,
    ) -> None:
        super().__init__()
        self.scale = channels**-0.5 if scaled else 1.0
        self.key_project = _projection(in_channels, channels, num_convs, layers)
        self.query_project = _projection(in_channels, channels, num_convs, layers)
        self.value_project = nn.Conv2d(in_channels, in_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, C, h, w) to (B, C, h, w)."""
        query, key, value = (
            project(x).flatten(2).transpose(1, 2)
            for project in (self.query_project, self.key_project, self.value_project)
        )
        mixed = self.attend(query, key, value)
        return mixed.transpose(1, 2).unflatten(2, x.shape[2:])

    def attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Weigh values (B, N, C) by keys (B, N, d) for each of the queries (B, N, d)."""
        return F.scaled_dot_product_attention(query, key, value, scale=self.scale)


def _projection(
    in_channels: int, channels: int, num_convs: int, layers: Mapping[str, Any] | None
) -> nn.Module:
    widths = (in_channels, *(channels,) * num_convs)
    convs = [
        nn.Conv2d(inner, outer, 1) if layers is None else ConvModule(inner, outer, 1, **layers)
        for inner, outer in pairwise(widths)
    ]
    return convs[0] if num_convs == 1 else nn.Sequential(*convs)
