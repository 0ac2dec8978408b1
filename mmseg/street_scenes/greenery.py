"""Painters of trees, hedges and bushes."""

import numpy as np

from .canvas import Canvas
from .labels import VEGETATION
from .shapes import moved, pick

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
    fork = moved(foot, up=height * 0.5)
    canvas.hull([foot, fork], [trunk * 1.2, trunk * 0.7], bark, VEGETATION)
    if kind == 'broad':
        for lean in (-0.14, 0.13):
            start, tip = moved(foot, up=height * 0.34), moved(foot, lean * height, height * 0.66)
            canvas.hull([start, tip], [trunk * 0.6, 0.04], bark, VEGETATION)
    num = int(np.clip(2200 / foot[2], 24, 170))
    offsets, radii = _crown(rng, height, kind, num)
    # Larger, darker balls behind the tufts close the crown.
    shade = canvas.shade(leaf * 0.62, (0, 0.7, -0.5))
    inner = offsets[:: max(1, num // 16)]
    inner = inner.mean(axis=0) + 0.8 * (inner - inner.mean(axis=0))
    canvas.blobs(
        foot + inner,
        np.full(len(inner), height * (0.1 if kind == 'broad' else 0.05)),
        np.tile(shade, (len(inner), 1)),
        VEGETATION,
    )
    _paint_leaves(canvas, rng, foot + offsets, radii, leaf, offsets, height)


def _crown(
    rng: np.random.Generator, height: float, kind: str, num: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the tufts of a crown sit relative to the foot (num,3), and radii (num,)."""
    if kind == 'broad':
        # A few boughs, each with its tufts, give a crown an outline of its own.
        boughs = rng.normal(0, 1, (7, 2))
        boughs /= np.maximum(1.0, np.linalg.norm(boughs, axis=1, keepdims=True))
        spread = boughs[rng.integers(7, size=num)] * 0.62 + rng.normal(0, 0.2, (num, 2))
        x = spread[:, 0] * height * 0.27
        y = height * (0.68 + 0.23 * spread[:, 1])
        radii = rng.uniform(0.035, 0.075, num) * height * (30 / num) ** 0.2
    else:
        level = rng.random(num)
        girth = 0.1 if kind == 'slim' else 0.24 * (1.05 - level)
        x = rng.uniform(-1, 1, num) * girth * height
        y = height * (0.16 + 0.78 * level)
        radii = height * (0.06 if kind == 'slim' else 0.075 - 0.05 * level) * np.ones(num)
    order = np.argsort(y + rng.normal(0, height * 0.1, num))
    z = np.linspace(0.3, -0.3, num)
    return np.stack((x[order], y[order], z), axis=1), radii[order]


def paint_hedge(
    canvas: Canvas, rng: np.random.Generator, start: np.ndarray, end: np.ndarray, height: float
) -> None:
    """Paint a row of bushes from `start` to `end`, both (3,)."""
    leaf = pick(rng, canvas.domain.foliage)
    length = float(np.linalg.norm(end - start))
    num = int(np.clip(length * 9.0, 8, 160))
    share = np.sort(rng.random(num))[::-1]
    feet = start + share[:, None] * (end - start)
    radii = rng.uniform(0.16, 0.3, num) * height
    offsets = np.zeros((num, 3))
    offsets[:, 1] = radii + rng.uniform(0, 1, num) * np.maximum(height - 2 * radii, 0)
    _paint_leaves(canvas, rng, feet + offsets, radii, leaf, offsets, height)


def _paint_leaves(
    canvas: Canvas,
    rng: np.random.Generator,
    centres: np.ndarray,
    radii: np.ndarray,
    leaf: np.ndarray,
    offsets: np.ndarray,
    height: float,
) -> None:
    """Paint tufts, lighter toward the sun and darker below, so that a crown looks round."""
    sun = canvas.sun_direction
    # The sun matters as much as the domain's sunlight is stronger than its ambient light.
    relief = 0.25 + 0.5 * float(np.mean(canvas.domain.sun))
    middle = offsets.mean(axis=0)
    sunny = ((offsets - middle) @ sun) / (0.3 * height) + rng.normal(0, 0.35, len(radii))
    tone = 0.82 + 0.62 * relief * np.clip(sunny, -0.9, 1.1)
    tint = rng.normal(1, 0.04, (len(radii), 3))
    base = canvas.shade(leaf, (0, 0.7, -0.5))
    canvas.blobs(centres, radii, base * tint * tone[:, None], VEGETATION)
