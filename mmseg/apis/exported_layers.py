"""Layers in place of those for which ONNX has no operator at open sizes."""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from timm.layers import Conv2dSame
from torch import nn

from mmseg.models.backbones import TimmBackbone
from mmseg.models.backbones.lora import merge_lora
from mmseg.models.decode_heads.self_attention import SelfAttention


class RegionMeans(nn.AdaptiveAvgPool2d):
    """The means over a grid of regions, by products.

    Region i of n along a side of h pixels are those from floor(i·h/n) to before ceil((i+1)·h/n).
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Average maps (B, C, h, w) to (B, C, n, m)."""
        sides = self.output_size
        pair = sides if isinstance(sides, tuple) else (sides, sides)
        rows, columns = (
            _means_matrix(num or length, length)  # None keeps a side as long as it is
            for num, length in zip(pair, input.shape[2:], strict=True)
        )
        return rows.to(input) @ (input @ columns.to(input).T)


class PaddedForWholeCells(Conv2dSame):
    """TensorFlow's padding where the stride s divides all sides: (k − 1)·d + 1 − s pixels.

    As formulas of an open size the paddings of one layer after the other grow beyond measure.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve maps (B, C, h, w) to (B, D, h/s, w/s)."""
        padding: list[int] = []
        for kernel, stride, dilation in zip(
            self.kernel_size[::-1], self.stride[::-1], self.dilation[::-1], strict=True
        ):
            total = max((kernel - 1) * dilation + 1 - stride, 0)
            padding += [total // 2, total - total // 2]
        return self._conv_forward(F.pad(x, padding), self.weight, self.bias)


class _SpeltOutAttention:
    """Attention by its single products: ONNX knows the fused operator for heads only."""

    scale: float

    def attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return (self.scale * query @ key.transpose(1, 2)).softmax(dim=-1) @ value


def exportable(network: Any) -> Any:
    """Return a copy of a network that computes the same and that exporters can express."""
    network = merge_lora(copy.deepcopy(network))
    for module in network.modules():
        if type(module) is nn.AdaptiveAvgPool2d and module.output_size not in (1, (1, 1)):
            module.__class__ = RegionMeans
        elif isinstance(module, SelfAttention):
            own = type(module)
            module.__class__ = type(own.__name__, (_SpeltOutAttention, own), {})
        elif isinstance(module, TimmBackbone):
            # It brings images to whole cells of its coarsest map.
            for layer in module.modules():
                if type(layer) is Conv2dSame:
                    layer.__class__ = PaddedForWholeCells
    return network


def _means_matrix(num_regions: int, length: int) -> torch.Tensor:
    """Return the means over regions of a side as a matrix (n, h)."""
    region = torch.arange(num_regions)[:, None]
    first = region * length // num_regions
    last = ((region + 1) * length + num_regions - 1) // num_regions
    pixel = torch.arange(length)[None]
    is_inside = ((pixel >= first) & (pixel < last)).float()
    return is_inside / is_inside.sum(dim=1, keepdim=True)
