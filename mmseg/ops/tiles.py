"""Bilinear upsampling tile by tile, and its adjoint, for maps too large to exist whole.

N maps, h×w before and H×W after resizing (`align_corners=False`). An image is cut into blocks of
V columns, which read v input columns, and a block into strips of the R output rows that lie
between the same two input rows. Both directions are small matrix products: input rows are widened
once, then weighed in pairs.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from .resize import linear_matrix, linear_taps

# Values of a tile. On a CPU a few tiles should stay in cache, yet outweigh the cost of a call;
# elsewhere calls must be few.
_TILE_VALUES_CPU = 1 << 18
_TILE_VALUES = 1 << 24
# Columns of a block are a multiple of this many, so that its rows begin at cache lines.
_COLUMN_STEP = 16


class RowStrip(NamedTuple):
    """Output rows that lie between the same two input rows.

    Attributes:
        lines: The R output rows.
        rows: The input rows that they read: one, or two neighbours.
        weights: (R, 2), the share of the even one and that of the odd one.
    """

    lines: slice
    rows: range
    weights: torch.Tensor


class ColumnBlock(NamedTuple):
    """Neighbouring output columns.

    Attributes:
        pixels: The V output columns.
        cells: The v input columns that they read.
        matrix: What they read of them (v, V).
    """

    pixels: slice
    cells: slice
    matrix: torch.Tensor


def row_strips(num_in: int, num_out: int, device: torch.device | None = None) -> list[RowStrip]:
    """Cut the output rows into strips, from top to bottom.

    Args:
        num_in: Input rows h.
        num_out: Output rows H.
        device: Where the weights are to live.

    Returns:
        Strips whose input rows never decrease.

    >>> [(strip.lines, strip.rows) for strip in row_strips(2, 4)]
    [(slice(0, 3, None), range(0, 2)), (slice(3, 4, None), range(1, 2))]
    """
    lower, upper, weight = linear_taps(num_in, num_out)
    changes = (lower[1:] != lower[:-1]).nonzero()[:, 0] + 1
    strips = []
    for start, stop in itertools.pairwise([0, *changes.tolist(), num_out]):
        first, last = int(lower[start]), int(upper[start])
        # At the lower border both are the last row and the weight is 0.
        shares = torch.stack([1 - weight[start:stop], weight[start:stop]], dim=1)
        shares = shares.flip(1) if first % 2 else shares
        rows = range(first, last + 1)
        strips.append(RowStrip(slice(start, stop), rows, shares.contiguous().to(device)))
    return strips


def column_blocks(
    num_in: int, num_out: int, max_width: int, device: torch.device | None = None
) -> list[ColumnBlock]:
    """Cut the output columns into blocks, from left to right.

    Args:
        num_in: Input columns w.
        num_out: Output columns W.
        max_width: Columns of a block at most, rounded up to a multiple of 16.
        device: Where the matrices are to live.

    Returns:
        Blocks of nearly equal width; the input columns of neighbours overlap.

    >>> [(block.pixels, block.cells) for block in column_blocks(8, 32, max_width=16)]
    [(slice(0, 16, None), slice(0, 5, None)), (slice(16, 32, None), slice(3, 8, None))]
    """
    left, right, _ = linear_taps(num_in, num_out)
    matrix = linear_matrix(num_in, num_out, device)
    num_blocks = -(-num_out // max(max_width, 1))
    width = -(-num_out // (num_blocks * _COLUMN_STEP)) * _COLUMN_STEP
    blocks = []
    for start, stop in itertools.pairwise([*range(0, num_out, width), num_out]):
        cells = slice(int(left[start]), int(right[stop - 1]) + 1)
        part = matrix[start:stop, cells].T.contiguous()
        blocks.append(ColumnBlock(slice(start, stop), cells, part))
    return blocks


def tiling(
    num_maps: int, size_in: Sequence[int], size_out: Sequence[int], device: torch.device
) -> tuple[list[RowStrip], list[ColumnBlock]]:
    """Cut an image so that the memory of a tile does not grow with the number of maps.

    Args:
        num_maps: N.
        size_in: h and w.
        size_out: H and W.
        device: Where the work is done.

    Returns:
        Strips and blocks; each pair is a tile.

    >>> strips, blocks = tiling(1000, (64, 64), (256, 256), torch.device('cpu'))
    >>> len(strips), sum(block.pixels.stop - block.pixels.start for block in blocks)
    (64, 256)
    """
    strips = row_strips(size_in[0], size_out[0], device)
    num_values = _TILE_VALUES_CPU if device.type == 'cpu' else _TILE_VALUES
    num_lines = max(len(strip.weights) for strip in strips)
    max_width = num_values // (num_maps * num_lines)
    return strips, column_blocks(size_in[1], size_out[1], max_width, device)


def upsampled_strips(
    maps: torch.Tensor, strips: list[RowStrip], block: ColumnBlock
) -> Iterator[torch.Tensor]:
    """Resize a block of maps, strip by strip.

    Args:
        maps: (N, h, v) float32.
        strips: From `row_strips`.
        block: From `column_blocks`.

    Yields:
        For each strip (R, N, V), the caller's to overwrite until the next one.

    >>> strips, (block,) = tiling(1, (2, 1), (4, 1), torch.device('cpu'))
    >>> maps = torch.tensor([0.0, 4.0]).view(1, 2, 1)
    >>> [strip.flatten().tolist() for strip in upsampled_strips(maps, strips, block)]
    [[0.0, 1.0, 3.0], [4.0]]
    """
    rows = maps.unbind(1)
    num_lines = max(len(strip.weights) for strip in strips)
    widened = maps.new_zeros(2, len(maps), block.matrix.shape[1])
    buffer = maps.new_empty(num_lines, *widened.shape[1:])
    held = {0: -1, 1: -1}
    for strip in strips:
        for row in strip.rows:
            if held[row % 2] != row:
                held[row % 2] = row
                torch.mm(rows[row], block.matrix, out=widened[row % 2])
        values = buffer[: len(strip.weights)]
        torch.mm(strip.weights, widened.flatten(1), out=values.flatten(1))
        yield values


class StripAdjoint:
    """The transpose of `upsampled_strips`: takes strips, returns maps.

    Args:
        num_maps: N.
        num_rows: h.
        block: From `column_blocks`.
    """

    def __init__(self, num_maps: int, num_rows: int, block: ColumnBlock) -> None:
        num_cells, width = block.matrix.shape
        self._matrix = block.matrix.T.contiguous()
        self._maps = self._matrix.new_zeros(num_maps, num_rows, num_cells)
        self._rows = self._maps.unbind(1)
        self._widened = self._matrix.new_zeros(2, num_maps, width)
        self._held = {0: -1, 1: -1}

    def add(self, strip: RowStrip, values: torch.Tensor) -> None:
        """Add a strip's values (R, N, V); strips come from top to bottom."""
        for row in strip.rows:
            if self._held[row % 2] != row:
                self._narrow(row % 2)
                self._held[row % 2] = row
        self._widened.flatten(1).addmm_(strip.weights.T, values.flatten(1))

    def finish(self) -> torch.Tensor:
        """Return the maps (N, h, v)."""
        self._narrow(0)
        self._narrow(1)
        return self._maps

    def _narrow(self, slot: int) -> None:
        """Bring down the row that a slot holds; no later strip reads it."""
        if self._held[slot] >= 0:
            torch.mm(self._widened[slot], self._matrix, out=self._rows[self._held[slot]])
            self._widened[slot].zero_()
