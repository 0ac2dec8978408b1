"""Boxes of pixels: where a detail crop lies, and the cells of coarser maps that it covers."""

from collections.abc import Sequence
from typing import NamedTuple

import torch


class Box(NamedTuple):
    """Rows y1 to y2 and columns x1 to x2 of an image, the last of each excluded."""

    y1: int
    y2: int
    x1: int
    x2: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.y2 - self.y1, self.x2 - self.x1

    def cells(self, stride: float) -> 'Box':
        """Return the cells of a map of some stride in pixels that lie in the box.

        >>> Box(88, 216, 104, 232).cells(8)
        Box(y1=11, y2=27, x1=13, x2=29)
        """
        return Box(*(int(side / stride) for side in self))

    def of(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the box's part of maps (..., H, W), without copying."""
        return maps[..., self.y1 : self.y2, self.x1 : self.x2]


def draw_box(
    size: Sequence[int], crop: Sequence[int], step: int, generator: torch.Generator | None = None
) -> Box:
    """Draw where a crop lies in an image, every place on a grid alike.

    Args:
        size: Height and width of the image in pixels.
        crop: Those of the crop, no larger.
        step: Pixels between neighbouring places; the last that fits is one of them.
        generator: What the draws come from; PyTorch's own where None.

    >>> generator = torch.Generator().manual_seed(0)
    >>> box = draw_box(size=(64, 128), crop=(32, 64), step=8, generator=generator)
    >>> box.size, box.y1 % 8, box.x1 % 8
    ((32, 64), 0, 0)
    """
    corner = [
        step * int(torch.randint((whole - part) // step + 1, (), generator=generator))
        for whole, part in zip(size, crop, strict=True)
    ]
    return Box(corner[0], corner[0] + crop[0], corner[1], corner[1] + crop[1])
