"""Maps of several strides from a plain transformer's, which all have the stride of its patches."""

from collections.abc import Sequence

import torch
from torch import nn

from mmseg.models.builder import NECKS
from mmseg.utils.errors import UserError

_SCALES = (4, 2, 1, 0.5)


class MapNorm(nn.LayerNorm):
    """Layer norm over the channels of maps (B, D, h, w)."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Normalise each place's channels."""
        return super().forward(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@NECKS.register_module()
class SimpleFeaturePyramid(nn.Module):
    """Feature pyramid without a top-down path (Li et al., ECCV 2022, section 3).

    With patches of 16 pixels the scales 4, 2, 1 and 1/2 make the strides 4, 8, 16 and 32.

    Args:
        in_channels: Channels of each map that comes in; asked of the backbone where left out.
        out_channels: Channels D of each map that goes out.
        scales: Sizes of the maps that go out over the size of those that come in, each of 4, 2, 1
            and 0.5.
        source: 'last' makes all of them from the last map, as published; 'each' makes the i-th
            from the i-th map, so that fine ones see early blocks.

    Raises:
        UserError: A scale is none of these, or 'each' has another number of maps.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 256,
        scales: Sequence[float] = _SCALES,
        source: str = 'last',
    ) -> None:
        super().__init__()
        if not scales or not set(scales) <= set(_SCALES):
            raise UserError(f'scales: expected some of {_SCALES}, got {tuple(scales)}')
        if source not in ('last', 'each'):
            raise UserError(f"source: expected 'last' or 'each', got {source!r}")
        if source == 'each' and len(in_channels) != len(scales):
            raise UserError(
                f"source='each' wants a map for each of the {len(scales)} scales, the backbone "
                f'gives {len(in_channels)}'
            )
        self.source = source
        self.out_channels = (out_channels,) * len(scales)
        channels = [in_channels[-1]] * len(scales) if source == 'last' else in_channels
        self.levels = nn.ModuleList(
            nn.Sequential(
                *_rescaling(scale, dim),
                nn.Conv2d(_channels_after(scale, dim), out_channels, 1, bias=False),
                MapNorm(out_channels),
                nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
                MapNorm(out_channels),
            )
            for scale, dim in zip(scales, channels, strict=True)
        )

    def init_weights(self) -> None:
        """Do nothing: the layers drew their weights when they were made."""

    def forward(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Make the pyramid.

        Args:
            inputs: Maps (B, C_i, h, w) of one size.

        Returns:
            A map (B, D, scale · h, scale · w) for each scale; 0.5 rounds up.
        """
        maps = [inputs[-1]] * len(self.levels) if self.source == 'last' else inputs
        return [level(features) for level, features in zip(self.levels, maps, strict=True)]


def _rescaling(scale: float, channels: int) -> list[nn.Module]:
    if scale == 4:
        return [
            nn.ConvTranspose2d(channels, channels // 2, 2, stride=2),
            MapNorm(channels // 2),
            nn.GELU(),
            nn.ConvTranspose2d(channels // 2, channels // 4, 2, stride=2),
        ]
    if scale == 2:
        return [nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)]
    return [] if scale == 1 else [nn.MaxPool2d(2, ceil_mode=True)]


def _channels_after(scale: float, channels: int) -> int:
    return int(channels // max(scale, 1))
