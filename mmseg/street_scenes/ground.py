"""Painters of what lies flat or far: sky, skyline, road, markings, sidewalks, shadows."""

from itertools import pairwise

import cv2
import numpy as np

from .canvas import Canvas
from .domains import Colour
from .labels import BUILDING, ROAD, SIDEWALK, SKY, VEGETATION
from .shapes import UP, depth_steps, ground_rect, pick, vary

FAR = 160.0
KERB = 0.12


def paint_sky(canvas: Canvas, rng: np.random.Generator) -> None:
    """Fill the whole canvas with a gradient and clouds."""
    height, width = canvas.codes.shape
    horizon = max(1.0, height * canvas.domain.horizon_ratio)
    down = np.clip(np.arange(height) / horizon, 0, 1)[:, None, None].astype(np.float32)
    top, bottom = (np.array(colour, np.float32) for colour in canvas.domain.sky)
    clouds = _cloud_map(canvas, rng, (width, height))[..., None]
    # Clouds thin out toward the horizon, as they do overhead when seen at a slant.
    clouds = clouds * (1 - 0.6 * down)
    sky = (top + (bottom - top) * down) * (1 - clouds) + np.array(
        canvas.domain.cloud, np.float32
    ) * clouds
    canvas.colours[:] = np.clip(sky, 0, 255)
    canvas.codes[:] = SKY


def _cloud_map(canvas: Canvas, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    noise: np.ndarray = np.zeros((64, 64), np.float32)
    for cells, weight in ((4, 0.5), (8, 0.3), (16, 0.2)):
        grid = rng.random((cells * 2, cells), dtype=np.float32)
        noise += weight * cv2.resize(grid, (64, 64), interpolation=cv2.INTER_CUBIC)
    noise = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    cover = canvas.domain.cloud_cover * rng.uniform(0.3, 1.7)
    threshold = 0.75 - 0.5 * cover
    return np.clip((noise - threshold) * 5, 0, 0.9)


def paint_skyline(canvas: Canvas, rng: np.random.Generator) -> None:
    """Close the street with far houses and trees."""
    x = -150.0
    while x < 150:
        width = rng.uniform(6, 18)
        height = rng.uniform(5, 16)
        if rng.random() < canvas.domain.greenery:
            colour = pick(rng, canvas.domain.foliage) * 0.8
            bumps = np.linspace(x, x + width, 5)
            points = [(b, height * rng.uniform(0.2, 0.5), FAR) for b in bumps]
            canvas.hull(points, height * 0.25, canvas.shade(colour, UP), VEGETATION)
            canvas.fill(_upright(x, width, height * 0.4), colour * 0.7, VEGETATION)
        else:
            colour = canvas.shade(pick(rng, canvas.domain.facades), (0, 0, -1))
            canvas.fill(_upright(x, width, height), colour, BUILDING)
            columns = np.arange(x + 1.5, x + width - 1.5, 3.0)
            rows = np.arange(1.5, height - 1.5, 3.0)
            left, bottom = (grid.ravel() for grid in np.meshgrid(columns, rows))
            panes = np.zeros((len(left), 4, 3))
            panes[..., 2] = FAR
            panes[..., 0] = left[:, None] + (0, 1.3, 1.3, 0)
            panes[..., 1] = bottom[:, None] + (0, 0, 1.6, 1.6)
            canvas.fill_many(panes, colour * 0.6, BUILDING)
        x += width * rng.uniform(0.8, 1.05)


def _upright(x: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, 0, FAR], [x + width, 0, FAR], [x + width, height, FAR], [x, height, FAR]])


def paint_strip(
    canvas: Canvas,
    x: tuple[float, float],
    z: tuple[float, float],
    colour: Colour,
    label: int,
    y: float = 0.0,
) -> None:
    """Paint a level strip along the street, lit from above, following its bend."""
    lit = canvas.shade(colour, UP)
    steps = depth_steps(*z)
    for near, far in pairwise(steps):
        canvas.fill(ground_rect(*x, near, far, y), lit, label)


def paint_kerb(canvas: Canvas, x: float, side: int, z: tuple[float, float], colour: Colour) -> None:
    """Paint the kerb stone between the road, ending at `x`, and the sidewalk beyond."""
    face = canvas.shade(np.asarray(colour) * 0.85, (-side, 0, 0))
    steps = depth_steps(*z)
    for near, far in pairwise(steps):
        corners = np.array([[x, 0, near], [x, 0, far], [x, KERB, far], [x, KERB, near]])
        canvas.fill(corners, face, SIDEWALK)
    paint_strip(canvas, (x, x + side * 0.15), z, np.asarray(colour) * 1.15, SIDEWALK, KERB)


def paint_slabs(canvas: Canvas, x: tuple[float, float], z: tuple[float, float], y: float) -> None:
    """Paint the joints between the slabs of a sidewalk, near the camera."""
    ink = canvas.shade(np.array(canvas.domain.sidewalk[0]) * 0.72, UP)
    for depth in np.arange(max(z[0], 4.0), min(z[1], 32.0), 1.2):
        canvas.fill(ground_rect(*x, depth, depth + 0.05, y), ink, None)
    for across in np.arange(min(x) + 1.2, max(x) - 0.4, 1.2):
        for near in np.arange(max(z[0], 4.0), min(z[1], 28.0), 4.0):
            canvas.fill(ground_rect(across, across + 0.04, near, near + 4, y), ink, None)


def paint_dashes(
    canvas: Canvas, x: float, colour: Colour, dash: float, gap: float, width: float = 0.14
) -> None:
    """Paint a broken line along the street; a `gap` of 0 makes it a solid one."""
    lit = canvas.shade(colour, UP)
    for start in np.arange(1.5, 90, dash + gap):
        length = dash if gap else dash + 0.01
        canvas.fill(ground_rect(x - width / 2, x + width / 2, start, start + length), lit, ROAD)


def paint_crosswalk(canvas: Canvas, x: tuple[float, float], z: float, colour: Colour) -> None:
    """Paint the stripes of a zebra crossing and its stop line."""
    lit = canvas.shade(colour, UP)
    for left in np.arange(x[0] + 0.4, x[1] - 0.5, 1.0):
        canvas.fill(ground_rect(left, left + 0.5, z, z + 3.0), lit, ROAD)
    canvas.fill(ground_rect(0, x[1] - 0.2, z - 1.4, z - 1.0), lit, ROAD)


def paint_rails(canvas: Canvas, x: float) -> None:
    """Paint a tram track around `x`."""
    bed = canvas.shade(np.array(canvas.domain.road[0]) * 0.9, UP)
    rail = canvas.shade(np.array(canvas.domain.road[0]) * 0.55, UP)
    steps = depth_steps(2, FAR)
    for near, far in pairwise(steps):
        canvas.fill(ground_rect(x - 1.2, x + 1.2, near, far), bed, ROAD)
        for offset in (-0.72, 0.72):
            across = (x + offset - 0.05, x + offset + 0.05)
            canvas.fill(ground_rect(*across, near, far), rail, ROAD)


def paint_wear(canvas: Canvas, rng: np.random.Generator, x: tuple[float, float]) -> None:
    """Paint patches, tar seams, stains and manholes on the road."""
    wear = canvas.domain.wear
    for _ in range(rng.poisson(9 * wear)):
        left, near = rng.uniform(*x), rng.uniform(4, 40)
        patch = ground_rect(left, left + rng.uniform(0.6, 2.4), near, near + rng.uniform(1, 9))
        grey = float(rng.choice((30, 150)))
        patch[:, 0] = np.clip(patch[:, 0], *x)
        canvas.fill(patch, (grey, grey, grey), None, alpha=0.22 * rng.random())
    for _ in range(rng.poisson(7 * wear)):
        _paint_seam(canvas, rng, x)
    for _ in range(rng.poisson(2)):
        centre = np.array([rng.uniform(*x), 0, rng.uniform(7, 30)])
        angles = np.arange(16) * np.pi / 8
        disc = 0.34 * np.stack((np.cos(angles), 0 * angles, np.sin(angles)), axis=1)
        canvas.fill(centre + disc, vary((62, 60, 58), rng), None)
        canvas.fill(centre + 0.8 * disc, vary((88, 86, 84), rng), None)


def _paint_seam(canvas: Canvas, rng: np.random.Generator, x: tuple[float, float]) -> None:
    at = np.array([rng.uniform(*x), rng.uniform(4, 25)])
    step = np.array([rng.normal(0, 0.3), rng.uniform(0.4, 1.2)])
    for _ in range(rng.integers(4, 14)):
        to = at + step + rng.normal(0, 0.12, 2)
        to[0] = np.clip(to[0], *x)
        corners = [[at[0], 0, at[1]], [at[0] + 0.07, 0, at[1]], [to[0] + 0.07, 0, to[1]]]
        canvas.fill(np.array([*corners, [to[0], 0, to[1]]]), (44, 44, 44), None, alpha=0.7)
        at = to


def paint_shadow(canvas: Canvas, footprint: np.ndarray, height: float) -> None:
    """Darken the ground under a thing and where it keeps the sun away.

    Args:
        canvas: The canvas.
        footprint: Corners (N,2) of the thing on the ground, x and z.
        height: Its height in metres.
    """
    domain = canvas.domain
    middle = footprint.mean(axis=0)
    for swell in (1.25, 1.05):
        _darken(canvas, middle + (footprint - middle) * swell, domain.shadow * 0.7)
    if domain.shadow_length:
        sun = canvas.sun_direction
        thrown = footprint - height * domain.shadow_length * sun[[0, 2]] / sun[1]
        _darken(canvas, np.concatenate((footprint, thrown)), domain.shadow)


def _darken(canvas: Canvas, corners: np.ndarray, strength: float) -> None:
    outline = cv2.convexHull(corners.astype(np.float32))[:, 0]
    points = np.stack((outline[:, 0], np.full(len(outline), 0.01), outline[:, 1]), axis=1)
    canvas.fill(points, (14, 16, 24), None, alpha=strength)
