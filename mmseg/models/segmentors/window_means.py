"""Means of the maps of windows that overlap, without keeping them.

Legend: B images of H×W, W windows, M channels, o the stride of the maps, h×w those of a window.
"""

from collections.abc import Sequence

import torch

from mmseg.ops.boxes import Box


class MeanOfWindows:
    """Adds the maps of windows up where they lie in the images.

    Args:
        img: The images (B, 3, H, W) that the windows were cut from.
    """

    def __init__(self, img: torch.Tensor) -> None:
        self._batch, _, *self._size = img.shape
        self._sums: tuple[torch.Tensor, torch.Tensor] | None = None

    def add(self, windows: Sequence[Box], maps: torch.Tensor) -> None:
        """Add the maps (W·B, M, h, w) of W windows, window by window."""
        stride = windows[0].size[0] / maps.shape[2]
        if self._sums is None:
            size = [-(-side // round(stride)) for side in self._size]
            total = maps.new_zeros(self._batch, maps.shape[1], *size)
            self._sums = total, maps.new_zeros(1, 1, *size)
        total, counts = self._sums
        by_window = maps.unflatten(0, (len(windows), self._batch))
        for window, part in zip(windows, by_window.unbind(), strict=True):
            cells = cells_of_map(window, stride, part)
            cells.of(total).add_(part)
            cells.of(counts).add_(1)

    def result(self) -> torch.Tensor | None:
        """Return the mean (B, M, H/o, W/o); None where nothing was added."""
        if self._sums is None:
            return None
        total, counts = self._sums
        return total / counts


def cells_of_map(window: Box, stride: float, maps: torch.Tensor) -> Box:
    """Return the cells of a window: as many as its map has, from where it begins."""
    top, left = int(window.y1 / stride), int(window.x1 / stride)
    return Box(top, top + maps.shape[2], left, left + maps.shape[3])
