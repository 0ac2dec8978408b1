"""Bilinear upsampling a few rows at a time, for maps too large to exist whole."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import torch

from .resize import linear_taps


class RowStrip(NamedTuple):
    """Output rows that lie between the same two input rows.

    Attributes:
        lines: The R output rows.
        lower: First input row.
        upper: Second input row.
        weight: The second one's share (R,) in [0, 1).
        values: The upsampled rows (R, W, N), the caller's to overwrite.
    """

    lines: slice
    lower: int
    upper: int
    weight: torch.Tensor
    values: torch.Tensor


def row_strips(maps: torch.Tensor, size: tuple[int, int]) -> Iterator[RowStrip]:
    """Resize maps bilinearly (`align_corners=False`), strip by strip.

    Args:
        maps: (h, w, N), channels last.
        size: Output height and width in pixels.

    Yields:
        Strips from top to bottom that together are the output (H, W, N).
    """
    lower, upper, weight = linear_taps(maps.shape[0], size[0])
    left, right, shift = linear_taps(maps.shape[1], size[1], maps.device)
    changes = (lower[1:] != lower[:-1]).nonzero()[:, 0] + 1
    starts = [0, *changes.tolist(), size[0]]
    weight = weight.to(maps.device)
    widened: dict[int, torch.Tensor] = {}
    for start, stop in itertools.pairwise(starts):
        pair = (int(lower[start]), int(upper[start]))
        widened = {
            row: widened[row]
            if row in widened
            else torch.lerp(maps[row, left], maps[row, right], shift[:, None])
            for row in pair
        }
        top, bottom = (widened[row][None] for row in pair)
        lines = slice(start, stop)
        values = torch.lerp(top, bottom, weight[lines, None, None])
        yield RowStrip(lines, *pair, weight[lines], values)
