"""What painters draw on: colours and labels side by side, in perspective, with haze and light.

Both are drawn on a grid of SUPERSAMPLE × SUPERSAMPLE points per pixel. Colours are averaged over
them, labels are read at the middle one, the centre of the pixel.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from .camera import NEAR, Camera, clip_near
from .domains import Colour, Domain, Vector

SUPERSAMPLE = 3
_SHIFT = 4
_FAR_AWAY = 1e5
_CIRCLE = np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=1)


class Canvas:
    """An image and its label map while a scene is painted from far to near.

    Args:
        camera: Where the scene is seen from.
        domain: Supplies light and haze.
        sun_side: Where the sunlight comes from: -1 left, 1 right.
    """

    def __init__(self, camera: Camera, domain: Domain, sun_side: float) -> None:
        height, width = camera.height * SUPERSAMPLE, camera.width * SUPERSAMPLE
        self.camera = camera
        self.domain = domain
        self.colours = np.zeros((height, width, 3), np.uint8)
        self.codes = np.zeros((height, width), np.int32)
        self.instance = 0
        sun = np.array([0.75 * sun_side, 0.8, -0.45])
        self.sun_direction = sun / np.linalg.norm(sun)

    def shade(self, colour: Colour, normal: Vector) -> np.ndarray:
        """Light a surface colour (RGB, 0 to 255) that faces along the world vector `normal`."""
        facing = max(0.0, float(np.dot(normal, self.sun_direction)))
        light = np.array(self.domain.ambient) + np.array(self.domain.sun) * facing
        return np.asarray(colour) * light

    def fill(self, points: np.ndarray, colour: Colour, label: int | None, alpha: float = 1) -> None:
        """Paint a flat polygon.

        Args:
            points: World corners (N,3).
            colour: RGB, 0 to 255, already lit.
            label: Cityscapes label id, or None to leave the labels as they are.
            alpha: How opaque the colour is, in [0, 1].
        """
        viewed = clip_near(self.camera.view(np.asarray(points, float)))
        if len(viewed) < 3:
            return
        self._paint([self._grid(viewed)], colour, label, alpha, float(viewed[:, 2].mean()))

    def fill_pixels(self, pixels: np.ndarray, colour: Colour, label: int) -> None:
        """Paint a polygon given in image pixels (N,2), right in front of the camera."""
        self._paint([_to_grid(pixels)], colour, label, 1, 0.0)

    def fill_many(self, polygons: np.ndarray, colour: Colour, label: int | None) -> None:
        """Paint polygons of one colour that do not overlap: (K,N,3)."""
        num, corners = polygons.shape[:2]
        viewed = self.camera.view(polygons.reshape(-1, 3).astype(float)).reshape(num, corners, 3)
        viewed = viewed[(viewed[..., 2] >= NEAR).all(axis=1)]
        if len(viewed):
            grid = list(self._grid(viewed.reshape(-1, 3)).reshape(-1, corners, 2))
            self._paint(grid, colour, label, 1, float(viewed[..., 2].mean()))

    def hull(
        self,
        points: Sequence[Vector] | np.ndarray,
        radii: float | Sequence[float],
        colour: Colour,
        label: int | None,
    ) -> None:
        """Paint the outline that balls at `points` (N,3) with `radii` in metres span together."""
        viewed = self.camera.view(np.asarray(points, float))
        if (viewed[:, 2] < NEAR).any():
            return
        pixels = self.camera.to_pixels(viewed)
        scale = np.broadcast_to(radii, len(pixels)) * self.camera.focal / viewed[:, 2]
        discs = pixels[:, None] + scale[:, None, None] * _CIRCLE
        outline = cv2.convexHull(discs.reshape(-1, 2).astype(np.float32))[:, 0]
        self._paint([_to_grid(outline)], colour, label, 1, float(viewed[:, 2].mean()))

    def blobs(
        self, centres: np.ndarray, radii: np.ndarray, colours: np.ndarray, label: int
    ) -> None:
        """Paint balls one over the other: centres (K,3), radii (K,) and lit colours (K,3)."""
        viewed = self.camera.view(centres)
        if (viewed[:, 2] < NEAR).any():
            return
        pixels = self.camera.to_pixels(viewed)
        scale = radii * self.camera.focal / viewed[:, 2]
        outlines = _to_grid(pixels[:, None] + scale[:, None, None] * _CIRCLE)
        inks = self._hazed(colours, viewed[:, 2:])
        code = self._code(label)
        for outline, ink in zip(outlines, inks.tolist(), strict=True):
            cv2.fillConvexPoly(self.colours, outline, ink, shift=_SHIFT)
            cv2.fillConvexPoly(self.codes, outline, code, shift=_SHIFT)

    def ring(self, points: np.ndarray, width: float, colour: Colour, label: int) -> None:
        """Paint a closed line of `width` metres; what it encloses gets the label only."""
        viewed = self.camera.view(points)
        if (viewed[:, 2] < NEAR).any():
            return
        depth = float(viewed[:, 2].mean())
        grid = self._grid(viewed)
        thickness = max(1, round(width * self.camera.focal / depth * SUPERSAMPLE))
        ink = self._hazed(np.asarray(colour), depth).tolist()
        cv2.polylines(self.colours, [grid], True, ink, thickness, shift=_SHIFT)
        cv2.polylines(self.codes, [grid], True, self._code(label), thickness, shift=_SHIFT)
        cv2.fillPoly(self.codes, [grid], self._code(label), shift=_SHIFT)

    def image(self) -> np.ndarray:
        """Return the picture so far, (H,W,3) uint8 RGB."""
        size = (self.camera.width, self.camera.height)
        return cv2.resize(self.colours, size, interpolation=cv2.INTER_AREA)

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the label ids (H,W) uint8 and the instance ids (H,W) uint16, 0 for stuff."""
        middle = slice(SUPERSAMPLE // 2, None, SUPERSAMPLE)
        codes = self.codes[middle, middle]
        return (codes & 255).astype(np.uint8), (codes >> 8).astype(np.uint16)

    def _code(self, label: int) -> int:
        return self.instance << 8 | label

    def _grid(self, viewed: np.ndarray) -> np.ndarray:
        return _to_grid(self.camera.to_pixels(viewed))

    def _hazed(self, colour: np.ndarray, depth: float | np.ndarray) -> np.ndarray:
        clear = np.exp(-np.asarray(depth) / self.domain.haze_distance)
        lit = np.clip(colour, 0, 255)
        return lit * clear + np.array(self.domain.haze) * (1 - clear)

    def _paint(
        self,
        outlines: list[np.ndarray],
        colour: Colour,
        label: int | None,
        alpha: float,
        depth: float,
    ) -> None:
        ink = self._hazed(np.asarray(colour), depth).tolist()
        if alpha >= 1:
            cv2.fillPoly(self.colours, outlines, ink, shift=_SHIFT)
        else:
            self._blend(outlines, ink, alpha)
        if label is not None:
            cv2.fillPoly(self.codes, outlines, self._code(label), shift=_SHIFT)

    def _blend(self, outlines: list[np.ndarray], ink: list[float], alpha: float) -> None:
        corners = np.concatenate(outlines) >> _SHIFT
        height, width = self.codes.shape
        left, top = np.clip(corners.min(axis=0) - 1, 0, (width, height))
        right, bottom = np.clip(corners.max(axis=0) + 2, 0, (width, height))
        if left >= right or top >= bottom:
            return
        below = self.colours[top:bottom, left:right]
        offset = np.array((left, top), np.int32) << _SHIFT
        above = below.copy()
        cv2.fillPoly(above, [outline - offset for outline in outlines], ink, shift=_SHIFT)
        self.colours[top:bottom, left:right] = cv2.addWeighted(above, alpha, below, 1 - alpha, 0)


def _to_grid(pixels: np.ndarray) -> np.ndarray:
    """Bring pixel positions to OpenCV's fixed-point positions on the supersampled grid."""
    grid = np.clip(pixels * SUPERSAMPLE - 0.5, -_FAR_AWAY, _FAR_AWAY)
    return np.round(grid * (1 << _SHIFT)).astype(np.int32)
