"""A view's logits, row by row of the picture in it: padding cut off, flipped back.

Legend: B images, C classes; a view of h×w, of which the picture takes h'×w'.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from mmseg.core.picture_box import PictureBox, picture_box

Metas = Sequence[Mapping[str, Any]]


class Layout(NamedTuple):
    """Where the picture lies in a view.

    Attributes:
        size: Height h and width w of the view.
        box: The picture's part of it.
        flipped: The axis of maps (B, C, h, w) along which the view was flipped, if any.
    """

    size: tuple[int, int]
    box: PictureBox
    flipped: int | None


def layout_of(metas: Metas, size: Sequence[int]) -> Layout:
    """Read from facts about a view's images, all alike, where the picture lies in it.

    Args:
        metas: Facts about each image.
        size: Height and width of the view.
    """
    meta, flipped = metas[0], None
    if meta.get('flip'):
        flipped = 3 if meta.get('flip_direction', 'horizontal') == 'horizontal' else 2
    return Layout((int(size[0]), int(size[1])), picture_box(meta, size), flipped)


def unflipped(maps: torch.Tensor, metas: Metas) -> torch.Tensor:
    """Flip maps (B, C, H, W) back where the images that they belong to were flipped."""
    axis = layout_of(metas, maps.shape[2:]).flipped
    return maps if axis is None else maps.flip(dims=(axis,))


def without_padding(metas: Metas) -> list[dict[str, Any]]:
    """Return facts about images whose padding is to count as picture."""
    return [{key: meta[key] for key in ('flip', 'flip_direction') if key in meta} for meta in metas]


class ViewRows(ABC):
    """The logits of the picture in a view.

    Args:
        layout: Where the picture lies in the view.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        (height, width), box = layout.size, layout.box
        # Rows and columns count from the view's first after it is flipped back.
        self._top = height - box.bottom if layout.flipped == 2 else box.top
        left = width - box.right if layout.flipped == 3 else box.left
        self._columns = slice(left, left + box.width)

    @property
    def size(self) -> tuple[int, int]:
        """Height h' and width w' of the picture."""
        return self.layout.box.height, self.layout.box.width

    def rows(self, rows: slice) -> torch.Tensor:
        """Return rows (B, C, n, w') of the picture, from top to bottom from call to call."""
        logits = self._unflipped_rows(rows.start + self._top, rows.stop + self._top)
        return logits[..., self._columns]

    @abstractmethod
    def _unflipped_rows(self, first: int, last: int) -> torch.Tensor:
        """Return rows (B, C, n, w) of the view, counted after flipping it back."""


class WholeRows(ViewRows):
    """Rows of logits that are there.

    Args:
        logits: (B, C, h, w).
        metas: Facts about the view's images.
    """

    def __init__(self, logits: torch.Tensor, metas: Metas) -> None:
        super().__init__(layout_of(metas, logits.shape[2:]))
        self._logits = logits

    def _unflipped_rows(self, first: int, last: int) -> torch.Tensor:
        axis, height = self.layout.flipped, self.layout.size[0]
        rows = slice(height - last, height - first) if axis == 2 else slice(first, last)
        logits = self._logits[:, :, rows]
        return logits if axis is None else logits.flip(dims=(axis,))


class SlideRows(ViewRows):
    """Rows of the mean logits of overlapping windows, a band of windows at a time.

    Bands are computed when their rows are asked for, and forgotten after. Windows in which nothing
    of the picture lies are left out.

    Args:
        encode: Makes logits (K·B, C, n, m) of K windows (K·B, channels, n, m), window by window.
        images: The view (B, channels, h, w).
        metas: Facts about its images.
        bands: Rows of the windows, from top to bottom; together they cover the view.
        tiles: Columns of the windows; together they cover the view.
        is_batched: Whether the windows of a band are one batch, else each is one of its own.
    """

    def __init__(
        self,
        encode: Callable[[torch.Tensor], torch.Tensor],
        images: torch.Tensor,
        metas: Metas,
        bands: Sequence[slice],
        tiles: Sequence[slice],
        is_batched: bool = False,
    ) -> None:
        super().__init__(layout_of(metas, images.shape[2:]))
        self._encode, self._images, self._is_batched = encode, images, is_batched
        (height, width), box = self.layout.size, self.layout.box
        self._column_counts = _times_covered(tiles, width).to(images.device)
        self._tiles = [t for t in tiles if t.start < box.right and t.stop > box.left]
        if self.layout.flipped == 2:
            bands = [slice(height - band.stop, height - band.start) for band in reversed(bands)]
        self._row_counts = _times_covered(bands, height).to(images.device)
        self._bands = bands
        self._num_bands = 0
        self._first = 0
        self._total: torch.Tensor | None = None

    def _unflipped_rows(self, first: int, last: int) -> torch.Tensor:
        while self._num_bands < len(self._bands) and self._bands[self._num_bands].start < last:
            band = self._bands[self._num_bands]
            if band.stop > first:
                self._add(band, first)
            self._num_bands += 1
        assert self._total is not None
        total = self._total[:, :, first - self._first : last - self._first]
        mean = total / (self._row_counts[first:last, None] * self._column_counts)
        return mean.flip(dims=(3,)) if self.layout.flipped == 3 else mean

    def _add(self, band: slice, first: int) -> None:
        """Add a band of windows to the rows from `first` on, the only ones needed."""
        (height, width), is_upside_down = self.layout.size, self.layout.flipped == 2
        rows = slice(height - band.stop, height - band.start) if is_upside_down else band
        for tile, logits in self._encoded(rows):
            logits = logits.flip(dims=(2,)) if is_upside_down else logits
            if tile is self._tiles[0]:
                self._make_room(logits, first, band.stop, width)
            assert self._total is not None
            skipped = max(self._first - band.start, 0)
            into = slice(band.start + skipped - self._first, band.stop - self._first)
            self._total[:, :, into, tile] += logits[:, :, skipped:]

    def _encoded(self, rows: slice) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield columns and logits (B, C, n, m) of a band's windows."""
        windows = (self._images[..., rows, tile] for tile in self._tiles)
        if self._is_batched:
            logits = self._encode(torch.cat([*windows])).chunk(len(self._tiles))
            yield from zip(self._tiles, logits, strict=True)
        else:
            yield from zip(self._tiles, map(self._encode, windows), strict=True)

    def _make_room(self, like: torch.Tensor, first: int, last: int, width: int) -> None:
        """Let the rows in memory be those from `first` to `last`, new ones 0."""
        batch, num_classes = like.shape[:2]
        if self._total is None:
            self._total, self._first = like.new_zeros(batch, num_classes, 0, width), first
        held = self._total[:, :, first - self._first :]
        new = like.new_zeros(batch, num_classes, last - first - held.shape[2], width)
        self._total, self._first = torch.cat([held, new], dim=2), first


def _times_covered(parts: Sequence[slice], length: int) -> torch.Tensor:
    counts = torch.zeros(length)
    for part in parts:
        counts[part] += 1
    return counts
