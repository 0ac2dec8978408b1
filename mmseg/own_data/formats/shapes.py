"""Regions of an image, and the label map that they make.

H, W: height and width in pixels. Coordinates are continuous, x to the right and y downwards, the
image's upper left corner at (0, 0): the centre of the first pixel lies at (0.5, 0.5). A pixel
belongs to a region where its centre lies inside; so a box from (2, 1) to (6, 4) is 4×3 pixels.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX

SMALLER, LATER = 'smaller', 'later'


class Shape(NamedTuple):
    """A region of one class.

    Attributes:
        name: Its class.
        mask: Gives the region (H, W) bool of an image of a height and a width.
        level: Shapes of higher levels lie on those of lower ones, whatever their size or order.
    """

    name: str
    mask: Callable[[int, int], np.ndarray]
    level: int = 0


class AnnotatedImage(NamedTuple):
    """What an annotation file says of an image.

    Attributes:
        name: The image's file, as the annotation calls it.
        size: Width and height that the annotation was made on; None where it does not say.
        shapes: In the order of the file.
    """

    name: str
    size: tuple[int, int] | None
    shapes: Sequence[Shape]


class Annotations(NamedTuple):
    """What annotation files of one format say.

    Attributes:
        format: What the format is called.
        classes: Names in their order.
        colours: Class → RGB, of those that have one.
        images: The images.
        on_top: What of overlapping regions is seen: 'smaller', or 'later' in the file.
        lines: What was passed over and why, a line each.
    """

    format: str
    classes: Sequence[str]
    colours: Mapping[str, Sequence[int]]
    images: Sequence[AnnotatedImage]
    on_top: str
    lines: Sequence[str]


def polygon_mask(rings: Sequence[np.ndarray], height: int, width: int) -> np.ndarray:
    """Return the pixels (H, W) bool whose centres lie in any of some polygons.

    Where a polygon crosses itself, what it surrounds twice is outside (the even-odd rule).

    Args:
        rings: Corners (N, 2) of each polygon, x before y.
        height: H.
        width: W.
    """
    inside = np.zeros((height, width), bool)
    for ring in rings:
        inside |= _ring_mask(ring, height, width)
    return inside


def _ring_mask(ring: np.ndarray, height: int, width: int) -> np.ndarray:
    """Flip from outside to inside, or back, wherever a row of pixel centres crosses an edge."""
    flips = np.zeros((height, width + 1), bool)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        (x0, y0), (x1, y1) = (a, b) if a[1] < b[1] else (b, a)
        first, end = np.clip(np.ceil([y0 - 0.5, y1 - 0.5]), 0, height).astype(int)
        rows = np.arange(first, end)
        if rows.size:
            crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            flips[rows, np.clip(np.ceil(crossings - 0.5), 0, width).astype(int)] ^= True
    return np.logical_xor.accumulate(flips, axis=1)[:, :width]


def box_ring(left: float, top: float, right: float, bottom: float, turn: float = 0) -> np.ndarray:
    """Return the corners (4, 2) of a box turned clockwise about its centre by some degrees."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)
    centre, angle = corners.mean(axis=0), np.deg2rad(turn)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (corners - centre) @ rotation + centre if turn else corners


def ellipse_mask(
    centre: tuple[float, float], radii: tuple[float, float], turn: float, height: int, width: int
) -> np.ndarray:
    """Return the pixels (H, W) bool whose centres lie in an ellipse.

    Args:
        centre: x and y.
        radii: Half axes along x and y before turning.
        turn: Degrees, clockwise.
        height: H.
        width: W.
    """
    y, x = np.mgrid[:height, :width] + 0.5
    x, y, angle = x - centre[0], y - centre[1], np.deg2rad(turn)
    along = (x * np.cos(angle) + y * np.sin(angle)) / max(radii[0], 1e-9)
    across = (y * np.cos(angle) - x * np.sin(angle)) / max(radii[1], 1e-9)
    return along**2 + across**2 <= 1


def pasted_mask(patch: np.ndarray, left: int, top: int, height: int, width: int) -> np.ndarray:
    """Return a mask (h, w) at its place in an image (H, W); what lies outside is cut off."""
    mask = np.zeros((height, width), bool)
    rows = slice(max(top, 0), max(min(top + patch.shape[0], height), 0))
    columns = slice(max(left, 0), max(min(left + patch.shape[1], width), 0))
    seen = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    mask[rows, columns] = seen
    return mask


def draw(
    shapes: Sequence[Shape],
    size: tuple[int, int],
    index_of: Mapping[str, int],
    rest: int = IGNORE_INDEX,
    on_top: str = LATER,
) -> np.ndarray:
    """Draw shapes, one over the other.

    Args:
        shapes: In the order of their file.
        size: W and H.
        index_of: Class → the number that is drawn; shapes of other classes are ignored pixels.
        rest: What pixels of no shape become.
        on_top: What is drawn last within a level: 'smaller' shapes, later ones where they are
            alike, or 'later' shapes.

    Returns:
        Label map (H, W) uint8.
    """
    labels = np.full(size[::-1], rest, np.uint8)
    masks = [shape.mask(size[1], size[0]) for shape in shapes]
    areas = [int(mask.sum()) if on_top == SMALLER else 0 for mask in masks]
    for place in sorted(range(len(shapes)), key=lambda i: (shapes[i].level, -areas[i])):
        labels[masks[place]] = index_of.get(shapes[place].name, IGNORE_INDEX)
    return labels
