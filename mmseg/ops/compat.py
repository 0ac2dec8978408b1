"""What `mmseg.ops` of mmsegmentation 0.16 offers, and where it stands here."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from .resize import resize

NAMES: Mapping[str, str] = {'Upsample': 'compat:Upsample'}
PLACES: Mapping[str, Mapping[str, str]] = {
    'wrappers': {'Upsample': 'compat:Upsample', 'resize': 'resize:resize'}
}


class Upsample(nn.Module):
    """`resize` as a module.

    Args:
        size: See `resize`.
        scale_factor: See `resize`; the sides that it gives are cut off to whole pixels.
        mode: See `resize`.
        align_corners: See `resize`.
    """

    def __init__(
        self,
        size: Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = 'nearest',
        align_corners: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Resize maps (B, C, H, W)."""
        size = self.size
        if not size:
            factors = self.scale_factor
            factors = factors if isinstance(factors, Sequence) else [factors or 1.0] * 2
            size = [int(side * factor) for side, factor in zip(x.shape[2:], factors, strict=True)]
        return resize(x, size, mode=self.mode, align_corners=self.align_corners)
