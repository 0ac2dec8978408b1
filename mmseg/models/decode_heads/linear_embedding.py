"""The linear layer by which SegFormer and DAFormer embed a stage."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mmseg.models.decode_heads.convs import is_eager_on_cpu
from mmseg.ops import pointwise_conv
from mmseg.utils.errors import UserError


class LinearEmbedding(nn.Module):
    """A linear layer over the channels of a map.

    Args:
        in_channels: Channels coming in.
        channels: Channels going out.
        norm_cfg: Must be None, as in the published configs.
        act_cfg: Must be None, as in the published configs.
    """

    def __init__(
        self, in_channels: int, channels: int, norm_cfg: Any = None, act_cfg: Any = None
    ) -> None:
        super().__init__()
        if norm_cfg is not None or act_cfg is not None:
            raise UserError("the layer 'mlp' has no norm or activation: set both to None")
        self.proj = nn.Linear(in_channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, in_channels, h, w) to (B, channels, h, w)."""
        if is_eager_on_cpu(x):
            return pointwise_conv(x, self.proj.weight, self.proj.bias)
        # views throughout where x lies in channels-last order, as MiT's maps do
        return F.linear(x.permute(0, 2, 3, 1), self.proj.weight, self.proj.bias).permute(0, 3, 1, 2)
