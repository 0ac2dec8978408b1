"""Small pieces of geometry that several painters share. All lengths in metres."""

from dataclasses import dataclass

import numpy as np

from .domains import Colour

UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Plane:
    """An upright plane: `origin`, and the direction `along` in which it runs (unit, level)."""

    origin: np.ndarray
    along: np.ndarray

    def rects(
        self,
        left: np.ndarray | float,
        right: np.ndarray | float,
        bottom: np.ndarray | float,
        top: np.ndarray | float,
    ) -> np.ndarray:
        """Return rectangles on the plane as corners (K,4,3); the arguments broadcast to (K,)."""
        sides = np.broadcast_arrays(left, right, bottom, top)
        left, right, bottom, top = (np.atleast_1d(side).astype(float) for side in sides)
        across = np.stack((left, right, right, left), axis=1)
        height = np.stack((bottom, bottom, top, top), axis=1)
        return self.origin + across[..., None] * self.along + height[..., None] * UP

    def points(self, positions: np.ndarray) -> np.ndarray:
        """Return positions (N,2), along and up, as world points (N,3)."""
        return self.origin + positions[:, :1] * self.along + positions[:, 1:] * UP

    @property
    def normal(self) -> np.ndarray:
        """The level unit vector at a right angle to the plane that points at the camera."""
        normal = np.array([-self.along[2], 0.0, self.along[0]])
        return normal if normal @ self.origin < 0 else -normal


@dataclass(frozen=True)
class Frame:
    """Where a thing stands and where it heads: 0 away from the camera, pi/2 to the right."""

    position: np.ndarray
    heading: float

    def points(self, local: np.ndarray) -> np.ndarray:
        """Bring local points (..., 3), ahead, up, to the left, into the world."""
        sine, cosine = np.sin(self.heading), np.cos(self.heading)
        axes = np.array([[sine, 0, cosine], [0, 1, 0], [-cosine, 0, sine]])
        return self.position + local @ axes


def moved(point: np.ndarray, right: float = 0.0, up: float = 0.0, ahead: float = 0.0) -> np.ndarray:
    """Return a world point (3,) moved by so many metres."""
    return point + np.array([right, up, ahead])


def ground_rect(x0: float, x1: float, z0: float, z1: float, y: float = 0.0) -> np.ndarray:
    """Return a level rectangle at height `y`, (4,3)."""
    return np.array([[x0, y, z0], [x1, y, z0], [x1, y, z1], [x0, y, z1]])


def depth_steps(z0: float, z1: float, ratio: float = 0.2) -> np.ndarray:
    """Return depths from `z0` to `z1` whose gaps grow with depth, so that haze and bends show."""
    start = max(z0, 2.0)
    num = max(1, int(np.ceil(np.log(max(z1, start) / start) / np.log1p(ratio))))
    steps = np.geomspace(start, max(z1, start * 1.001), num + 1)
    steps[0] = z0
    return steps


def vary(colour: Colour, rng: np.random.Generator, spread: float = 0.08) -> np.ndarray:
    """Return a shade of `colour` drawn around it."""
    return np.asarray(colour) * rng.normal(1, spread) + rng.normal(0, 40 * spread, 3)


def pick(rng: np.random.Generator, colours: tuple, spread: float = 0.06) -> np.ndarray:
    """Draw one of `colours` and vary it."""
    return vary(colours[rng.integers(len(colours))], rng, spread)


def circle(num: int = 20) -> np.ndarray:
    """Return points (num,2) on the unit circle."""
    angle = np.arange(num) * 2 * np.pi / num
    return np.stack((np.cos(angle), np.sin(angle)), axis=1)
