"""Painters of trees, hedges and bushes."""

import numpy as np

from .canvas import Canvas
from .labels import VEGETATION
from .shapes import pick

_BARK = (88, 68, 52)


def paint_tree(
    canvas: Canvas, rng: np.random.Generator, foot: np.ndarray, height: float, kind: str = 'broad'
) -> None:
    """Paint a tree: `broad`, `slim` (a poplar) or `conifer`.

    Args:
        canvas: The canvas.
        rng: Draws its shape.
        foot: Where it stands, (3,).
        height: Its height in metres.
        kind: One of the above.
    """
    leaf = pick(rng, canvas.domain.foliage)
    bark = canvas.shade(np.array(_BARK) * rng.uniform(0.8, 1.2), (0, 0.2, -1))
    trunk = 0.12 + height * 0.016
    fork = foot + (0, height * 0.5, 0)
    canvas.hull([foot, fork], [trunk * 1.2, trunk * 0.7], bark, VEGETATION)
    if kind == 'broad':
        for lean in (-0.14, 0.13):
            tip = foot + (lean * height, height * 0.66, 0)
            canvas.hull([foot + (0, height * 0.34, 0), tip], [trunk * 0.6, 0.04], bark, VEGETATION)
    num = int(np.clip(900 / foot[2], 16, 70))
    offsets, radii = _crown(rng, height, kind, num)
    _paint_leaves(canvas, rng, foot + offsets, radii, leaf, offsets, height)


def _crown(
    rng: np.random.Generator, height: float, kind: str, num: int
) -> tuple[np.ndarray, np.ndarray]:
    if kind == 'broad':
        angle, away = rng.uniform(0, 2 * np.pi, num), np.sqrt(rng.random(num))
        x = np.cos(angle) * away * height * 0.27
        y = height * 0.68 + np.sin(angle) * away * height * 0.24
        radii = rng.uniform(0.06, 0.12, num) * height
    else:
        level = rng.random(num)
        girth = 0.1 if kind == 'slim' else 0.24 * (1.05 - level)
        x = rng.uniform(-1, 1, num) * girth * height
        y = height * (0.16 + 0.78 * level)
        radii = height * (0.09 if kind == 'slim' else 0.1 - 0.065 * level) * np.ones(num)
    order = np.argsort(y + rng.normal(0, height * 0.08, num))
    z = np.linspace(0.3, -0.3, num)
    return np.stack((x[order], y[order], z), axis=1), radii[order]


def paint_hedge(
    canvas: Canvas, rng: np.random.Generator, start: np.ndarray, end: np.ndarray, height: float
) -> None:
    """Paint a row of bushes from `start` to `end`, both (3,)."""
    leaf = pick(rng, canvas.domain.foliage)
    length = float(np.linalg.norm(end - start))
    num = int(np.clip(length * 3.0, 4, 60))
    share = np.sort(rng.random(num))[::-1]
    feet = start + share[:, None] * (end - start)
    radii = rng.uniform(0.34, 0.5, num) * height
    offsets = np.zeros((num, 3))
    offsets[:, 1] = radii + rng.uniform(0, 1, num) * np.maximum(height - 2 * radii, 0)
    _paint_leaves(canvas, rng, feet + offsets, radii, leaf, offsets, height * 1.5)


def _paint_leaves(
    canvas: Canvas,
    rng: np.random.Generator,
    centres: np.ndarray,
    radii: np.ndarray,
    leaf: np.ndarray,
    offsets: np.ndarray,
    height: float,
) -> None:
    """Paint each ball with a lighter one on its sunny side, so that a crown looks round."""
    sun = canvas.sun_direction
    # The sun matters as much as the domain's sunlight is stronger than its ambient light.
    relief = 0.25 + 0.5 * float(np.mean(canvas.domain.sun))
    sunny = (offsets @ sun / height) + rng.normal(0, 0.1, len(radii))
    tone = 0.72 + relief * np.clip(sunny, -0.4, 1.0)
    base = canvas.shade(leaf, (0, 0.7, -0.5))
    toward = np.array([sun[0], sun[1], 0]) * 0.35
    all_centres = np.stack((centres, centres + toward * radii[:, None]), axis=1)
    all_radii = np.stack((radii, radii * 0.62), axis=1)
    tones = np.stack((tone, tone * (1 + 0.45 * relief)), axis=1)
    colours = base * tones.reshape(-1, 1)
    canvas.blobs(all_centres.reshape(-1, 3), all_radii.ravel(), colours, VEGETATION)
