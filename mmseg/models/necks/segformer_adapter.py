"""Fits MiT's maps to heads that were made for dilated ResNets (Hoyer et al., CVPR 2022)."""

from collections.abc import Sequence

import torch
from torch import nn

from mmseg.models.builder import NECKS
from mmseg.ops import resize
from mmseg.utils.errors import UserError


@NECKS.register_module()
class SegFormerAdapter(nn.Module):
    """Enlarges maps of a hierarchical backbone and puts them in the place of the last one.

    Args:
        out_layers: Which maps are enlarged, and joined where there are several.
        scales: By how much each is enlarged; by default the last stage goes from stride 32 to 8.
    """

    def __init__(self, out_layers: Sequence[int] = (3,), scales: Sequence[float] = (4,)) -> None:
        super().__init__()
        if not out_layers or len(out_layers) != len(scales):
            raise UserError(f'expected as many scales as out_layers: {scales}, {out_layers}')
        self.out_layers = tuple(out_layers)
        self.scales = tuple(scales)

    def init_weights(self) -> None:
        """Do nothing: there are no weights."""

    def forward(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Change the last map.

        Args:
            inputs: Maps (B, C_i, h_i, w_i).

        Returns:
            The maps, the last one (B, sum of C_i, h, w) of the chosen ones.
        """
        enlarged = [
            inputs[layer]
            if scale == 1
            else resize(inputs[layer], scale_factor=scale, mode='bilinear', align_corners=False)
            for layer, scale in zip(self.out_layers, self.scales, strict=True)
        ]
        return [*inputs[:-1], torch.cat(enlarged, dim=1)]
