"""The pinhole camera and the street's bend.

World axes, in metres: x to the right, y up from the road surface, z forward along the street. The
camera stands at (0, height, 0) and looks along z. The street may turn and bend away from the z
axis: a point at depth z is shifted sideways by yaw * z + curve * z².
"""

from dataclasses import dataclass

import numpy as np

NEAR = 0.6


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at driver height.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        focal: Focal length in pixels.
        horizon: Row of the horizon, in pixels from the top.
        eye: Height of the camera above the road, in metres.
        yaw: Sideways shift of the street per metre of depth.
        curve: Sideways shift of the street per square metre of depth.
    """

    width: int
    height: int
    focal: float
    horizon: float
    eye: float
    yaw: float = 0.0
    curve: float = 0.0

    def view(self, points: np.ndarray) -> np.ndarray:
        """Bring world points (N,3) into the camera's frame: right, down, forward (N,3)."""
        depth = points[:, 2]
        right = points[:, 0] + (self.yaw + self.curve * depth) * depth
        return np.stack((right, self.eye - points[:, 1], depth), axis=1)

    def to_pixels(self, viewed: np.ndarray) -> np.ndarray:
        """Project points (N,3) in the camera's frame, in front of it, to pixels (N,2)."""
        scale = self.focal / viewed[:, 2:]
        return viewed[:, :2] * scale + (self.width / 2, self.horizon)

    def ground(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the street coordinates under each pixel below the horizon.

        Returns:
            x (H,W) and z (H,W) in metres, float32; z is 0 at and above the horizon.
        """
        below = np.arange(self.height, dtype=np.float32)[:, None] + 0.5 - self.horizon
        z = np.where(below > 0.5, self.focal * self.eye / np.maximum(below, 0.5), 0)
        across = np.arange(self.width, dtype=np.float32)[None] + 0.5 - self.width / 2
        x = across * z / self.focal - (self.yaw + self.curve * z) * z
        return x.astype(np.float32), np.broadcast_to(z, x.shape).astype(np.float32)


def clip_near(viewed: np.ndarray) -> np.ndarray:
    """Cut the part of a polygon (N,3) that is behind the near plane (Sutherland-Hodgman)."""
    inside = viewed[:, 2] >= NEAR
    if inside.all():
        return viewed
    kept: list[np.ndarray] = []
    for i in range(len(viewed)):
        previous, current = viewed[i - 1], viewed[i]
        if inside[i] != inside[i - 1]:
            share = (NEAR - previous[2]) / (current[2] - previous[2])
            kept.append(previous + share * (current - previous))
        if inside[i]:
            kept.append(current)
    return np.array(kept).reshape(-1, 3)
