"""Painters of buildings: facades with windows, doors, shops and roofs."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .canvas import Canvas
from .domains import Colour, Domain
from .labels import BUILDING
from .shapes import UP, Plane, pick, vary


@dataclass(frozen=True)
class Style:
    """How one building looks. Lengths in metres."""

    wall: np.ndarray
    roof: np.ndarray
    trim: np.ndarray
    glass: np.ndarray
    shop: np.ndarray | None
    storeys: int
    storey_height: float
    bay: float
    window: tuple[float, float]
    frame: float
    pitched: bool
    bands: bool
    balconies: bool

    @property
    def eaves(self) -> float:
        """Height of the wall."""
        return self.storeys * self.storey_height + 0.6


def draw_style(rng: np.random.Generator, domain: Domain, storeys: int, shops: float) -> Style:
    """Draw the look of a building with so many storeys; `shops` is the chance of a shop."""
    wall = pick(rng, domain.facades)
    light_trim = rng.random() < 0.6
    return Style(
        wall=wall,
        roof=pick(rng, domain.roofs),
        trim=wall * 0.4 + 150 if light_trim else wall * 0.6,
        glass=vary(domain.glass, rng, 0.12),
        shop=pick(rng, domain.vehicles) * 0.8 + 30 if rng.random() < shops else None,
        storeys=storeys,
        storey_height=rng.uniform(2.9, 3.6),
        bay=rng.uniform(2.0, 3.6),
        window=(rng.uniform(0.4, 0.72), rng.uniform(0.42, 0.66)),
        frame=float(rng.choice((0.0, 0.1, 0.18))),
        pitched=storeys <= 5 and rng.random() < 0.7,
        bands=rng.random() < 0.5,
        balconies=storeys > 2 and rng.random() < 0.25,
    )


def paint_building(
    canvas: Canvas,
    rng: np.random.Generator,
    style: Style,
    side: int,
    x: float,
    z: tuple[float, float],
    depth: float,
) -> None:
    """Paint a building along the street: roof, the end that faces the camera, the street front.

    Args:
        canvas: The canvas.
        rng: Draws curtains, doors and the like.
        style: How it looks.
        side: -1 left of the street, 1 right.
        x: Where its street front stands.
        z: Its near and far end.
        depth: How far it reaches away from the street.
    """
    front = Plane(np.array([x, 0.0, z[0]]), np.array([0.0, 0.0, 1.0]))
    end = Plane(np.array([x, 0.0, z[0]]), np.array([float(side), 0.0, 0.0]))
    _paint_roof(canvas, style, side, x, z, depth)
    # A plain end wall now and then, as where a neighbour was taken down.
    _paint_facade(canvas, rng, style, end, depth, (0, 0, -1), windows=rng.random() < 0.7)
    _paint_facade(canvas, rng, style, front, z[1] - z[0], (-side, 0, 0), windows=True)


def _paint_roof(
    canvas: Canvas, style: Style, side: int, x: float, z: tuple[float, float], depth: float
) -> None:
    eaves = style.eaves
    if not style.pitched:
        return
    ridge_x, ridge = x + side * depth / 2, eaves + min(depth * 0.4, 4.0)
    over = x - side * 0.35
    gable = [[x, eaves, z[0]], [ridge_x, ridge, z[0]], [x + side * depth, eaves, z[0]]]
    slope = [[over, eaves - 0.1, z[0]], [over, eaves - 0.1, z[1]], [ridge_x, ridge, z[1]]]
    canvas.fill(
        np.array([*slope, [ridge_x, ridge, z[0]]]),
        canvas.shade(style.roof, (-side * 0.6, 0.8, 0)),
        BUILDING,
    )
    canvas.fill(np.array(gable), canvas.shade(style.wall * 0.95, (0, 0, -1)), BUILDING)
    if (z[1] - z[0]) > 9 and z[0] > 6:
        middle = (z[0] + z[1]) / 2
        stack = Plane(np.array([ridge_x, ridge - 0.8, middle]), np.array([float(side), 0.0, 0.0]))
        canvas.fill_many(stack.rects(-0.4, 0.4, 0, 2.0), style.roof * 0.6, BUILDING)


def _paint_facade(
    canvas: Canvas,
    rng: np.random.Generator,
    style: Style,
    plane: Plane,
    width: float,
    normal: tuple[float, float, float],
    windows: bool,
) -> None:
    wall = canvas.shade(style.wall, normal)
    cuts = np.linspace(0, width, max(2, int(width / 5) + 1))
    for left, right in pairwise(cuts):
        canvas.fill(plane.rects(left, right + 0.02, 0, style.eaves)[0], wall, BUILDING)
    trim = canvas.shade(style.trim, normal)
    _fill(canvas, plane.rects(0, width, 0, 0.5), wall * 0.75)
    _fill(canvas, plane.rects(0, width, style.eaves - 0.35, style.eaves), trim)
    if style.bands:
        rows = style.storey_height * np.arange(1, style.storeys) - 0.06
        _fill(canvas, plane.rects(0, width, rows, rows + 0.22), trim)
    if not windows or plane.origin[2] > 140:
        return
    _paint_windows(canvas, rng, style, plane, width, normal)
    _paint_ground_floor(canvas, rng, style, plane, width, normal)


def _paint_windows(
    canvas: Canvas,
    rng: np.random.Generator,
    style: Style,
    plane: Plane,
    width: float,
    normal: tuple[float, float, float],
) -> None:
    num_bays = max(1, int(width / style.bay))
    bay = width / num_bays
    pane_width, pane_height = bay * style.window[0], style.storey_height * style.window[1]
    columns = (np.arange(num_bays) + 0.5) * bay
    rows = style.storey_height * np.arange(1, style.storeys) + 0.28 * style.storey_height
    middle, bottom = (grid.ravel() for grid in np.meshgrid(columns, rows))
    if not len(middle):
        return
    left, right, top = middle - pane_width / 2, middle + pane_width / 2, bottom + pane_height
    trim = canvas.shade(style.trim, normal)
    if style.frame:
        edge = style.frame
        _fill(canvas, plane.rects(left - edge, right + edge, bottom - edge, top + edge), trim)
    glass = canvas.shade(style.glass, UP) * 0.8
    panes = plane.rects(left, right, bottom, top)
    dark = rng.random(len(left)) < 0.5
    _fill(canvas, panes[dark], glass * 0.62)
    _fill(canvas, panes[~dark], glass)
    drawn = rng.random(len(left)) < 0.3
    if drawn.any():
        share = bottom + pane_height * 0.45
        _fill(canvas, plane.rects(left, right, share, top)[drawn], trim * 0.9 + 18)
    _fill(canvas, plane.rects(middle - 0.04, middle + 0.04, bottom, top), trim)
    _fill(canvas, plane.rects(left - 0.12, right + 0.12, bottom - 0.16, bottom), trim * 0.85)
    if style.balconies:
        kept = np.arange(len(left)) % num_bays % 2 == 0
        rail = plane.rects(left - 0.4, right + 0.4, bottom - 0.4, bottom + 0.55)[kept]
        _fill(canvas, rail, trim * 0.55)


def _paint_ground_floor(
    canvas: Canvas,
    rng: np.random.Generator,
    style: Style,
    plane: Plane,
    width: float,
    normal: tuple[float, float, float],
) -> None:
    door = canvas.shade(vary((92, 62, 44), rng, 0.2), normal)
    glass = canvas.shade(style.glass, UP)
    trim = canvas.shade(style.trim, normal)
    at = rng.uniform(0.6, max(0.7, width - 1.8))
    if style.shop is None:
        spots = np.arange(1.2, width - 1.2, style.bay)
        spots = spots[np.abs(spots - at) > 1.6]
        if len(spots):
            _fill(canvas, plane.rects(spots - 0.62, spots + 0.62, 0.95, 2.4), trim)
            _fill(canvas, plane.rects(spots - 0.52, spots + 0.52, 1.05, 2.3), glass * 0.6)
            _fill(canvas, plane.rects(spots - 0.04, spots + 0.04, 1.05, 2.3), trim)
    else:
        sign = canvas.shade(style.shop, normal)
        starts = np.arange(0.3, width - 0.3, 3.4)
        ends = np.minimum(starts + 3.0, width - 0.3)
        _fill(canvas, plane.rects(starts, ends, 0.4, 2.45), glass * 0.55)
        _fill(canvas, plane.rects(starts, ends, 0.4, 1.0), glass * 0.8)
        _fill(canvas, plane.rects(0.1, width - 0.1, 2.5, 3.05), sign)
        letters = np.arange(width * 0.3, width * 0.7, 0.42)
        if len(letters):
            _fill(canvas, plane.rects(letters, letters + 0.26, 2.63, 2.93), _contrast(sign))
        _paint_awning(canvas, rng, plane, width, sign)
    _fill(canvas, plane.rects(at - 0.1, at + 1.2, 0, 2.4), trim)
    _fill(canvas, plane.rects(at, at + 1.1, 0, 2.3), door)
    _fill(canvas, plane.rects(at + 0.2, at + 0.9, 1.2, 2.1), glass * 0.6)


def _paint_awning(
    canvas: Canvas, rng: np.random.Generator, plane: Plane, width: float, colour: np.ndarray
) -> None:
    if rng.random() < 0.5:
        return
    stripes = np.arange(0.3, width - 0.8, 0.5)
    out = plane.normal * 1.1
    for i, left in enumerate(stripes):
        quad = plane.rects(left, left + 0.5, 2.5, 2.9)[0]
        quad[:2] += out
        canvas.fill(quad, colour if i % 2 else _contrast(colour), BUILDING)


def _contrast(colour: Colour) -> np.ndarray:
    bright = float(np.mean(colour)) > 110
    return np.asarray(colour) * 0.35 if bright else np.asarray(colour) * 0.25 + 170


def _fill(canvas: Canvas, polygons: np.ndarray, colour: np.ndarray) -> None:
    if len(polygons):
        canvas.fill_many(polygons, colour, BUILDING)
