"""A sheet of pictures with their labels over them, to see whether the two belong together."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from mmseg.core.visualization import captioned, grid, legend, load_picture, overlay

from .pictures import Picture

_CELL = 380
_PER_ROW = 2
_GAP = 4
_IGNORED = (0, 0, 0)
_HATCH = 12


class Labelled(NamedTuple):
    """A picture and what makes its label map (H, W) uint8."""

    picture: Picture
    labels: Callable[[], np.ndarray]


def contact_sheet(
    images: Sequence[Labelled],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    number: int = 12,
) -> np.ndarray:
    """Draw some pictures, spread over all, each beside itself with its labels and their borders.

    Args:
        images: All pictures.
        classes: Names (C).
        palette: Colours (C, 3), RGB.
        number: How many are drawn at most.

    Returns:
        A picture (H, W, 3). Its legend says which share of the drawn pixels each class has.
        Ignored pixels are striped.
    """
    spread = np.linspace(0, len(images) - 1, min(number, len(images))).round().astype(int)
    counts: Counter[int] = Counter()
    cells: list[np.ndarray] = []
    for index in dict.fromkeys(spread.tolist()):
        labels = images[index].labels()
        values, pixels = np.unique(labels, return_counts=True)
        counts.update(dict(zip(values.tolist(), pixels.tolist(), strict=True)))
        cells += _pair(images[index].picture, labels, palette)
    across = 2 * _PER_ROW
    rows = [cells[start : start + across] for start in range(0, len(cells), across)]
    width = min(across, len(cells)) * (_CELL + _GAP) - _GAP
    total = max(counts.total(), 1)
    names = [f'{name} {counts[index] / total:.1%}' for index, name in enumerate(classes)]
    others = total - sum(counts[index] for index in range(len(classes)))
    names.append(f'ignored (striped) {others / total:.1%}')
    return grid([*rows, [legend(names, [*palette, _IGNORED], width)]], _GAP)


def _pair(
    picture: Picture, labels: np.ndarray, palette: Sequence[Sequence[int]]
) -> list[np.ndarray]:
    image = load_picture(picture.path)
    height = max(1, round(_CELL * image.shape[0] / image.shape[1]))
    size = (_CELL, min(height, 2 * _CELL))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    few = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    drawn = _striped(overlay(small, few, palette), few >= len(palette))
    border = np.zeros(few.shape, bool)
    border[:, 1:] |= few[:, 1:] != few[:, :-1]
    border[1:] |= few[1:] != few[:-1]
    drawn[border] = drawn[border] // 2 + 127  # lightly: thin things are to be seen
    name = picture.path.name
    shown = name if len(name) <= 48 else f'…{name[-47:]}'
    return [captioned(small, shown.encode('ascii', 'replace').decode()), captioned(drawn, 'labels')]


def _striped(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: where.shape[0], : where.shape[1]]
    stripes = ((rows + columns) % _HATCH < _HATCH // 3) & where
    striped = picture.copy()
    striped[stripes] = _IGNORED
    return striped
