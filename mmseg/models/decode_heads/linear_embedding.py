"""The linear layer by which SegFormer and DAFormer embed a stage."""

from typing import Any

import torch
from torch import nn

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
        # views throughout where x lies in channels-last order, as MiT's maps do
        tokens = self.proj(x.flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).unflatten(2, x.shape[2:])
