"""What `mmseg.models.decode_heads` of mmsegmentation 0.16 and DAFormer offers beside heads."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from .linear_embedding import LinearEmbedding
from .psp_head import PyramidPooling

PLACES: Mapping[str, Mapping[str, str]] = {
    'segformer_head': {'MLP': 'compat:MLP'},
    'psp_head': {'PPM': 'compat:PPM'},
    'aspp_head': {'ASPPModule': 'aspp:ASPPModule'},
    'daformer_head': {'ASPPWrapper': 'aspp:ASPPWrapper'},
    'sep_aspp_head': {'DepthwiseSeparableASPPHead': 'aspp_head:DepthwiseSeparableASPPHead'},
}


class MLP(LinearEmbedding):
    """`LinearEmbedding` as DAFormer has it: maps in, tokens out.

    Args:
        input_dim: Channels coming in.
        embed_dim: Channels going out.
    """

    def __init__(self, input_dim: int = 2048, embed_dim: int = 768) -> None:
        super().__init__(input_dim, embed_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, input_dim, h, w) to (B, h·w, embed_dim)."""
        return super().forward(x).flatten(2).transpose(1, 2)


class PPM(PyramidPooling):
    """`PyramidPooling` as mmsegmentation has it: what came in is not among what goes out.

    Args:
        pool_scales: Side of each grid.
        in_channels: Channels coming in.
        channels: Channels of each branch.
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.
        act_cfg: Config of activations.
        align_corners: As in `torch.nn.functional.interpolate`.
    """

    def __init__(
        self,
        pool_scales: Sequence[int],
        in_channels: int,
        channels: int,
        conv_cfg: Mapping[str, Any] | None,
        norm_cfg: Mapping[str, Any] | None,
        act_cfg: Mapping[str, Any] | None,
        align_corners: bool,
    ) -> None:
        layers = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        super().__init__(pool_scales, in_channels, channels, align_corners, **layers)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return every branch's map (B, channels, h, w) of x (B, in_channels, h, w)."""
        return super().forward(x)[1:]
