"""Solids drawn out from a side outline, with wheels and ends: what vehicles are made of."""

from dataclasses import dataclass, field

import numpy as np

from .canvas import Canvas
from .shapes import Frame, circle

_TYRE, _RIM = (24, 24, 26), (150, 152, 156)


@dataclass(frozen=True)
class Body:
    """A side outline drawn out to a width, and what is painted on its sides.

    Attributes:
        outline: Corners (N,2), ahead and up in metres, counter-clockwise when seen with the
            front to the right: the lower front first, over the roof's back, to the lower rear.
        width: Full width in metres.
        panes: Windows on both sides, each (N,2).
        glazed: Which edges of the outline are glass (edge i runs from corner i to i + 1).
        taper: How much narrower the top is than the bottom, as a share.
    """

    outline: np.ndarray
    width: float
    panes: list[np.ndarray] = field(default_factory=list)
    glazed: tuple[int, ...] = ()
    taper: float = 0.0

    def side(self, positions: np.ndarray, side: int) -> np.ndarray:
        """Bring points (N,2) on the side -1 right, 1 left, to local points (N,3)."""
        low, high = self.outline[:, 1].min(), self.outline[:, 1].max()
        share = np.clip((positions[:, 1] - low) / (high - low), 0, 1)
        across = side * self.width / 2 * (1 - self.taper * share**2)
        return np.column_stack((positions, across))


def paint_body(
    canvas: Canvas, frame: Frame, body: Body, colour: np.ndarray, label: int
) -> list[int]:
    """Paint the faces of a body that the camera sees.

    Returns:
        The sides that are seen: some of -1 (right) and 1 (left).
    """
    seen: list[int] = []
    drawn = []
    for local, outward, edge in _faces(body):
        world = frame.points(local)
        viewed = canvas.camera.view(world)
        middle = viewed.mean(axis=0)
        normal = np.cross(viewed, np.roll(viewed, -1, axis=0)).sum(axis=0)
        outside = canvas.camera.view(frame.points(local.mean(axis=0) + outward)[None])[0]
        # A face is seen if the camera, at the origin, and the air outside are on one side of it.
        if (normal @ (outside - middle)) * (normal @ middle) < 0:
            drawn.append((float(np.linalg.norm(middle)), world, outward, edge))
    glass = np.array(canvas.domain.glass) * 0.55
    for _, world, outward, edge in sorted(drawn, key=lambda face: -face[0]):
        normal = frame.points(outward) - frame.position
        canvas.fill(world, canvas.shade(colour, normal), label)
        if edge in body.glazed:
            middle = world.mean(axis=0)
            canvas.fill(middle + (world - middle) * 0.86, canvas.shade(glass, normal), label)
        if edge < 0:
            side = 1 if edge == -1 else -1
            seen.append(side)
            for pane in body.panes:
                world = frame.points(body.side(pane, side) * (1, 1, 1.005))
                canvas.fill(world, canvas.shade(glass, normal), label)
    return seen


def _faces(body: Body) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Return corners (N,3), outward normal (3,) and edge of each face; left is -1, right -2."""
    left, right = body.side(body.outline, 1), body.side(body.outline, -1)
    faces = [(left, np.array([0.0, 0.0, 1.0]), -1), (right, np.array([0.0, 0.0, -1.0]), -2)]
    for i in range(len(left)):
        j = (i + 1) % len(left)
        ahead, up = body.outline[j] - body.outline[i]
        normal = np.array([up, -ahead, 0.0]) / np.hypot(ahead, up)
        faces.append((np.stack((left[i], right[i], right[j], left[j])), normal, i))
    return faces


def paint_wheels(
    canvas: Canvas, frame: Frame, axles: tuple[float, ...], radius: float, width: float, label: int
) -> None:
    """Paint tyres on both sides; to be called before the body."""
    disc = circle(14) * radius
    for ahead in axles:
        for side in (-1, 1):
            outer = np.column_stack(
                (disc + np.array([ahead, radius]), np.full(14, side * width / 2))
            )
            inner = outer - (0, 0, side * 0.22)
            canvas.hull(frame.points(np.concatenate((outer, inner))), 0.0, _TYRE, label)


def paint_wheel_faces(
    canvas: Canvas, frame: Frame, axles: tuple[float, ...], radius: float, side: float, label: int
) -> None:
    """Paint the wheels of one side, at `side` metres to the left; to be called after the body."""
    for ahead in axles:
        for scale, ink in ((1.12, (16, 16, 18)), (1.0, _TYRE), (0.62, _RIM), (0.2, (70, 70, 74))):
            disc = circle(16) * radius * scale + (ahead, radius)
            world = frame.points(np.column_stack((disc, np.full(16, side))))
            canvas.fill(world, ink if scale != 0.62 else canvas.shade(ink, (0, 0.5, -0.5)), label)


def paint_end(canvas: Canvas, frame: Frame, ahead: float, rects: list[tuple], label: int) -> None:
    """Paint rectangles (left, right, bottom, top, colour) on the front or rear at `ahead`.

    Nothing is painted on an end that faces away from the camera.
    """
    ends = frame.points(np.array([[0.0, 1.0, 0.0], [ahead, 1.0, 0.0]]))
    viewed = canvas.camera.view(ends)
    if (viewed[1] - viewed[0]) @ viewed[1] > 0:
        return
    for left, right, bottom, top, colour in rects:
        corners = np.array(
            [[ahead, bottom, left], [ahead, bottom, right], [ahead, top, right], [ahead, top, left]]
        )
        canvas.fill(frame.points(corners), colour, label)
