"""Painters of what stands along a street: poles, lamps, traffic lights, signs, fences, walls."""

from itertools import pairwise

import cv2
import numpy as np

from .canvas import Canvas
from .domains import Colour
from .labels import FENCE, POLE, STATIC, TRAFFIC_LIGHT, TRAFFIC_SIGN, WALL
from .shapes import Plane, circle, moved, pick, vary

_LAMPS = ((250, 60, 48), (252, 190, 40), (60, 235, 130))
_WHITE, _RED, _BLUE, _YELLOW = (240, 240, 236), (204, 24, 32), (26, 84, 186), (246, 202, 32)


def paint_pole(
    canvas: Canvas, foot: np.ndarray, height: float, colour: Colour, radius: float = 0.07
) -> None:
    """Paint an upright pole (label pole) from `foot` (x, y, z)."""
    lit = canvas.shade(colour, (0, 0.2, -1))
    top = moved(foot, up=height)
    canvas.hull([foot, top], [radius * 1.15, radius * 0.8], lit, POLE)
    offset = np.array([radius * 0.45 * np.sign(canvas.sun_direction[0]), 0, 0])
    canvas.hull([foot + offset, top + offset], radius * 0.3, lit * 1.3, POLE)


def paint_lamp_post(canvas: Canvas, rng: np.random.Generator, foot: np.ndarray, side: int) -> None:
    """Paint a street lamp whose arm reaches over the road."""
    colour = pick(rng, canvas.domain.poles)
    height = rng.uniform(6.5, 9)
    paint_pole(canvas, foot, height, colour, 0.09)
    lit = canvas.shade(colour, (0, 0, -1))
    top = moved(foot, up=height)
    bend, end = moved(top, -side * 0.6, 0.5), moved(top, -side * 2.0, 0.6)
    canvas.hull([top, bend], 0.06, lit, POLE)
    canvas.hull([bend, end], 0.06, lit, POLE)
    canvas.hull([end, moved(end, -side * 0.6, -0.05)], 0.13, lit * 0.9, POLE)
    canvas.hull(
        [moved(end, -side * 0.1, -0.1), moved(end, -side * 0.5, -0.14)], 0.07, (250, 246, 220), POLE
    )


def paint_traffic_light(
    canvas: Canvas, rng: np.random.Generator, foot: np.ndarray, side: int
) -> None:
    """Paint a traffic light on a pole, sometimes with a second head on an arm over the road."""
    colour = pick(rng, canvas.domain.poles)
    lit = int(rng.choice((0, 0, 2, 2, 1)))
    arm = rng.random() < 0.4
    height = 5.6 if arm else 3.4
    paint_pole(canvas, foot, height, colour, 0.08)
    if arm:
        start, end = moved(foot, up=height - 0.1), moved(foot, -side * 3.6, height)
        canvas.hull([start, end], 0.06, canvas.shade(colour, (0, 0, -1)), POLE)
        _paint_lamps(canvas, moved(end, up=-0.6, ahead=-0.1), lit, 1.25)
    _paint_lamps(canvas, moved(foot, up=2.7, ahead=-0.1), lit, 1.0)


def _paint_lamps(canvas: Canvas, middle: np.ndarray, lit: int, scale: float) -> None:
    face = Plane(middle, np.array([1.0, 0.0, 0.0]))
    width, height = 0.2 * scale, 0.52 * scale
    canvas.fill(
        face.rects(-width * 1.25, width * 1.25, -height * 1.1, height * 1.1)[0],
        (18, 20, 22),
        TRAFFIC_LIGHT,
    )
    canvas.fill(face.rects(-width, width, -height, height)[0], (40, 44, 44), TRAFFIC_LIGHT)
    for i, lamp in enumerate(_LAMPS):
        disc = circle() * 0.135 * scale + (0, (1 - i) * 0.34 * scale)
        ink = np.array(lamp) if i == lit else np.array(lamp) * 0.22 + 14
        canvas.fill(face.points(disc), ink, TRAFFIC_LIGHT)
        if i == lit:
            canvas.fill(
                face.points(disc * (0.5, 0.5) + (0, (1 - i) * 0.17 * scale)),
                ink * 0.5 + 128,
                TRAFFIC_LIGHT,
            )


def paint_sign(canvas: Canvas, rng: np.random.Generator, foot: np.ndarray) -> None:
    """Paint one or two traffic signs on a pole."""
    height = rng.uniform(2.3, 2.9)
    paint_pole(canvas, foot, height + 0.3, pick(rng, canvas.domain.poles), 0.045)
    paint_sign_plate(canvas, rng, moved(foot, up=height, ahead=-0.08))
    if rng.random() < 0.3:
        paint_sign_plate(canvas, rng, moved(foot, up=height - 0.85, ahead=-0.08))


def paint_sign_plate(canvas: Canvas, rng: np.random.Generator, middle: np.ndarray) -> None:
    """Paint the plate of a sign: ban, order, warning, stop, priority, parking or direction."""
    face = Plane(middle, np.array([1.0, 0.0, 0.0]))
    outline, layers = _PLATES[rng.integers(len(_PLATES))]
    size = rng.uniform(0.3, 0.4)
    for scale, colour in layers:
        ink = canvas.shade(vary(colour, rng, 0.03), (0, 0.3, -1))
        canvas.fill(face.points(outline * size * scale), ink, TRAFFIC_SIGN)
    if layers[-1][1] is not _YELLOW:
        mark = _WHITE if layers[-1][1] in (_BLUE, _RED) else (30, 30, 34)
        bar = rng.choice(((0.5, 0.12), (0.12, 0.45), (0.3, 0.3))) * size
        rect = face.rects(-bar[0], bar[0], -bar[1], bar[1])[0]
        canvas.fill(rect, canvas.shade(mark, (0, 0.3, -1)), TRAFFIC_SIGN)


_SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
_TRIANGLE = np.array([[-1.1, -0.75], [1.1, -0.75], [0, 1.15]])
_OCTAGON = circle(8) @ np.array([[0.924, 0.383], [-0.383, 0.924]])
_PLATES: tuple = (
    (circle(), ((1.0, _RED), (0.74, _WHITE))),
    (circle(), ((1.0, _WHITE), (0.9, _BLUE))),
    (circle(), ((1.0, _WHITE), (0.92, _RED))),
    (_TRIANGLE, ((1.0, _RED), (0.62, _WHITE))),
    (_OCTAGON, ((1.0, _WHITE), (0.9, _RED))),
    (_SQUARE[:, ::-1] @ np.array([[0.72, 0.72], [-0.72, 0.72]]), ((1.0, _WHITE), (0.8, _YELLOW))),
    (_SQUARE * 0.85, ((1.0, _WHITE), (0.9, _BLUE))),
    (_SQUARE * (1.9, 0.6), ((1.0, _WHITE), (0.94, _BLUE))),
    (_SQUARE * (1.7, 0.55), ((1.0, (30, 30, 30)), (0.94, _YELLOW))),
)


def paint_wall(
    canvas: Canvas, rng: np.random.Generator, plane: Plane, length: float, height: float
) -> None:
    """Paint a free-standing wall with courses, piers and a coping."""
    colour = pick(rng, canvas.domain.masonry)
    lit = canvas.shade(colour, plane.normal)
    cuts = np.linspace(0, length, max(2, int(length / 4) + 1))
    for left, right in pairwise(cuts):
        canvas.fill(plane.rects(left, right + 0.02, 0, height)[0], lit, WALL)
    courses = np.arange(0.25, height - 0.1, 0.25)
    canvas.fill_many(plane.rects(0, length, courses, courses + 0.03), lit * 0.8, WALL)
    starts = rng.uniform(0, max(0.1, length - 0.5), int(length * 3))
    rows = rng.integers(0, max(1, len(courses)), len(starts)) * 0.25
    ends = np.minimum(starts + 0.45, length)
    stones = plane.rects(starts, ends, rows + 0.03, np.minimum(rows + 0.25, height))
    canvas.fill_many(stones, lit * rng.uniform(0.84, 1.12), WALL)
    piers = np.arange(0, length - 0.3, 4.0)
    if rng.random() < 0.5:
        canvas.fill_many(plane.rects(piers, piers + 0.45, 0, height + 0.12), lit * 0.9, WALL)
    top = plane.rects(0, length, height, height + 0.14)
    canvas.fill_many(top, canvas.shade(colour * 1.12, (0, 1, 0)), WALL)


def paint_fence(
    canvas: Canvas, rng: np.random.Generator, plane: Plane, length: float, height: float
) -> None:
    """Paint a fence: pickets, iron railings, or wire mesh between posts."""
    colour = canvas.shade(pick(rng, canvas.domain.fences), plane.normal)
    kind = rng.integers(3)
    opacity = (0.35, 0.12, 0.3)[kind]
    cuts = np.linspace(0, length, max(2, int(length / 4) + 1))
    for left, right in pairwise(cuts):
        canvas.fill(plane.rects(left, right + 0.02, 0.05, height)[0], colour, FENCE, opacity)
    gap, bar = ((0.17, 0.11), (0.16, 0.035), (0.3, 0.02))[kind]
    near = plane.origin[2]
    # Bars thinner than a grid point would only alias.
    stride = gap * max(1.0, near / 25)
    starts = np.arange(0, length - bar, stride)
    canvas.fill_many(plane.rects(starts, starts + bar, 0.05, height), colour, FENCE)
    rails = np.array((0.18, 0.85)) * height
    canvas.fill_many(plane.rects(0, length, rails, rails + 0.07), colour * 0.9, FENCE)
    posts = np.arange(0, length, 2.4)
    canvas.fill_many(plane.rects(posts, posts + 0.1, 0, height + 0.08), colour * 0.8, FENCE)


def paint_bin(canvas: Canvas, rng: np.random.Generator, foot: np.ndarray) -> None:
    """Paint a litter bin or a letter box (label static)."""
    colour = canvas.shade(pick(rng, canvas.domain.vehicles), (0, 0, -1))
    low, high = moved(foot, up=0.25), moved(foot, up=0.95)
    canvas.hull([low, high], [0.2, 0.26], colour, STATIC)
    canvas.hull([moved(high, -0.2, 0.1), moved(high, 0.2, 0.1)], 0.09, colour * 0.7, STATIC)


def footprint(centre: np.ndarray, radius: float) -> np.ndarray:
    """Return a small round footprint (N,2), x and z, for the shadow of a slim thing."""
    return cv2.convexHull((circle(8) * radius + centre[[0, 2]]).astype(np.float32))[:, 0]
