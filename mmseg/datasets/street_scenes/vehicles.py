"""Painters of cars, trucks, buses and trams as solids seen from any side."""

from dataclasses import dataclass, field

import numpy as np

from .canvas import Canvas
from .labels import BUS, CAR, TRAIN, TRUCK
from .shapes import Frame, circle, pick

_TYRE, _RIM = (24, 24, 26), (150, 152, 156)
_TAIL, _HEAD = (196, 24, 24), (246, 244, 226)


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
        normal = np.cross(viewed[1] - viewed[0], viewed[2] - viewed[1])
        outside = canvas.camera.view(frame.points(local.mean(axis=0) + outward)[None])[0]
        # A face is seen if the camera, at the origin, and the air outside are on one side of it.
        if (normal @ (outside - middle)) * (normal @ middle) < 0:
            drawn.append((float(np.linalg.norm(middle)), world, outward, edge))
    glass = np.array(canvas.domain.glass) * 0.55
    for _, world, outward, edge in sorted(drawn, key=lambda face: -face[0]):
        ink = glass if edge in body.glazed else colour
        normal = frame.points(outward) - frame.position
        canvas.fill(world, canvas.shade(ink, normal), label)
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
            outer = np.column_stack((disc + (ahead, radius), np.full(14, side * width / 2)))
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
        corners = np.array([[ahead, bottom, left], [ahead, bottom, right], [ahead, top, right],
                            [ahead, top, left]])  # fmt: skip
        canvas.fill(frame.points(corners), colour, label)


def paint_car(canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Paint a car: saloon, hatchback, estate, off-roader or van."""
    colour = pick(rng, canvas.domain.vehicles)
    shape = _CARS[rng.choice(len(_CARS), p=_CAR_SHARES)]
    length, height, width, bonnet, screen, roof_end, rear_top = shape
    half, sill, waist = length / 2, 0.26, height * 0.6
    outline = np.array([
        [half, sill], [half, waist * 0.78], [half - 0.12, waist * 0.86], [half - bonnet, waist],
        [half - bonnet - screen, height - 0.04], [half - bonnet - screen - 0.35, height],
        [-half + roof_end + 0.3, height], [-half + roof_end, height - 0.06],
        [-half + rear_top, waist], [-half + 0.05, waist * 0.95], [-half, waist * 0.6],
        [-half, sill],
    ])  # fmt: skip
    front, rear = half - bonnet - 0.12, -half + rear_top + 0.16
    post = (front + rear) / 2 - 0.1
    top, base = height - 0.14, waist + 0.03
    lean = (front - screen * 0.88, rear + max(roof_end - rear_top, 0.0) * 0.85)
    panes = [
        np.array([[front, base], [lean[0], top], [post + 0.05, top], [post + 0.05, base]]),
        np.array([[post - 0.05, base], [post - 0.05, top], [lean[1], top], [rear, base]]),
    ]
    body = Body(outline, width, panes, glazed=(3, 7), taper=0.17)
    radius, axles = 0.32 + 0.03 * (height > 1.6), (half - 0.85, -half + 0.8)
    paint_wheels(canvas, frame, axles, radius, width * 0.97, CAR)
    for side in paint_body(canvas, frame, body, colour, CAR):
        seam = np.array([[post, sill + 0.1], [post - 0.02, sill + 0.1], [post - 0.02, waist],
                         [post, waist]])  # fmt: skip
        canvas.fill(frame.points(body.side(seam, side) * (1, 1, 1.005)), colour * 0.5, CAR)
        paint_wheel_faces(canvas, frame, axles, radius, side * width * 0.503, CAR)
    _paint_car_ends(canvas, rng, frame, body, colour)


def _paint_car_ends(
    canvas: Canvas, rng: np.random.Generator, frame: Frame, body: Body, colour: np.ndarray
) -> None:
    half, w = body.outline[0, 0], body.width / 2
    waist = body.outline[3, 1]
    lamp = (waist * 0.58, waist * 0.75)
    dark, plate = (34, 34, 36), (226, 226, 220)
    braking = rng.random() < 0.3
    tail = (255, 50, 40) if braking else _TAIL
    paint_end(canvas, frame, half + 0.01, [
        (-w * 0.55, w * 0.55, waist * 0.5, waist * 0.74, dark),
        (-w * 0.94, w * 0.94, 0.26, 0.42, colour * 0.35),
        (-w * 0.95, -w * 0.62, *lamp, _HEAD), (w * 0.62, w * 0.95, *lamp, _HEAD),
        (-0.26, 0.26, 0.42, 0.53, plate),
    ], CAR)  # fmt: skip
    paint_end(canvas, frame, -half - 0.01, [
        (-w * 0.94, w * 0.94, 0.26, 0.44, colour * 0.35),
        (-w * 0.95, -w * 0.68, *lamp, tail), (w * 0.68, w * 0.95, *lamp, tail),
        (-0.26, 0.26, 0.48, 0.6, plate),
    ], CAR)  # fmt: skip


# length, height, width, bonnet, windscreen, roof end and rear waist, the last two from the rear
_CARS = (
    (4.5, 1.44, 1.78, 1.25, 0.85, 1.25, 0.6),
    (3.9, 1.48, 1.72, 0.95, 0.8, 0.45, 0.12),
    (4.6, 1.48, 1.8, 1.2, 0.85, 0.4, 0.1),
    (4.6, 1.78, 1.9, 1.15, 0.7, 0.35, 0.08),
    (4.9, 2.1, 1.95, 0.8, 0.75, 0.15, 0.05),
)
_CAR_SHARES = (0.28, 0.28, 0.18, 0.16, 0.1)


def _box(rear: float, front: float, low: float, high: float, slant: float = 0.0) -> np.ndarray:
    return np.array([[front, low], [front, (low + high) * 0.45], [front - slant, high],
                     [rear, high], [rear, low]])  # fmt: skip


def _windows(rear: float, front: float, low: float, high: float, length: float) -> list:
    starts = np.arange(rear, front - length * 0.6, length)
    return [np.array([[a, low], [a, high], [min(a + length - 0.16, front), high],
                      [min(a + length - 0.16, front), low]]) for a in starts]  # fmt: skip


def paint_truck(canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Paint a lorry: a cab, and a box, a tarpaulin or a tank behind it."""
    cab_colour = pick(rng, canvas.domain.vehicles)
    load_colour = pick(rng, ((226, 226, 222), (186, 190, 192), *canvas.domain.vehicles))
    length, high = rng.uniform(6.5, 9), rng.uniform(3.0, 3.7)
    half, width = length / 2, 2.4
    cab = Body(_box(half - 1.9, half, 0.5, 2.75, 0.25), width - 0.15,
               _windows(half - 1.3, half - 0.3, 1.65, 2.45, 1.1), glazed=(1,))  # fmt: skip
    load = Body(_box(-half, half - 2.05, 0.95, high), width)
    axles = (half - 1.1, -half + 2.1, -half + 1.0)
    paint_wheels(canvas, frame, axles, 0.48, width * 0.97, TRUCK)
    chassis = Body(_box(-half, half - 1.0, 0.55, 0.95), width * 0.8)
    depths = [float(frame.points(np.array([a, 1.0, 0.0]))[2]) for a in (half - 1, -1.0)]
    parts = [(cab, cab_colour), (load, load_colour)]
    paint_body(canvas, frame, chassis, np.array((40, 40, 42)), TRUCK)
    for body, colour in parts if depths[0] > depths[1] else parts[::-1]:
        for side in paint_body(canvas, frame, body, colour, TRUCK):
            paint_wheel_faces(canvas, frame, axles, 0.48, side * width * 0.503, TRUCK)
            if body is load:
                band = np.array([[-half + 0.8, 1.9], [-half + 0.8, 2.5], [half - 3, 2.5],
                                 [half - 3, 1.9]])  # fmt: skip
                world = frame.points(load.side(band, side) * (1, 1, 1.005))
                canvas.fill(world, cab_colour * 0.9, TRUCK)
    dark = (46, 46, 48)
    paint_end(canvas, frame, half + 0.01, [
        (-1.0, 1.0, 0.95, 1.3, dark), (-1.05, -0.7, 0.6, 0.85, _HEAD), (0.7, 1.05, 0.6, 0.85, _HEAD),
        (-0.28, 0.28, 0.6, 0.72, (226, 226, 220))], TRUCK)  # fmt: skip
    paint_end(canvas, frame, -half - 0.01, [
        (-0.03, 0.03, 1.0, high - 0.1, dark), (-1.15, 1.15, 0.62, 0.95, dark),
        (-1.1, -0.75, 0.7, 0.9, _TAIL), (0.75, 1.1, 0.7, 0.9, _TAIL),
        (-0.28, 0.28, 0.7, 0.82, (226, 226, 220))], TRUCK)  # fmt: skip


def paint_bus(canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Paint a city bus with a row of windows, doors and a lit destination."""
    colour = pick(rng, ((214, 60, 44), (236, 190, 40), (60, 120, 190), (236, 236, 230)))
    colour = colour * 0.6 + np.mean(canvas.domain.vehicles) * 0.4 * (canvas.domain.saturation < 1)
    half, high, width = rng.uniform(4.6, 5.9), 3.05, 2.5
    panes = _windows(-half + 0.5, half - 0.3, 1.35, 2.5, 1.5)
    body = Body(_box(-half, half, 0.35, high, 0.12), width, panes, glazed=(1,))
    axles = (half - 2.2, -half + 2.6)
    paint_wheels(canvas, frame, axles, 0.48, width * 0.97, BUS)
    for side in paint_body(canvas, frame, body, colour, BUS):
        paint_wheel_faces(canvas, frame, axles, 0.48, side * width * 0.503, BUS)
        for ahead in (half - 1.3, -0.4) if side == -1 else ():
            door = np.array([[ahead, 0.45], [ahead, 2.5], [ahead + 1.1, 2.5], [ahead + 1.1, 0.45]])
            canvas.fill(frame.points(body.side(door, side) * (1, 1, 1.006)), (58, 66, 70), BUS)
    dark = (40, 46, 50)
    paint_end(canvas, frame, half + 0.02, [
        (-1.0, 1.0, 2.6, 2.95, dark), (-0.7, 0.7, 2.68, 2.86, (250, 176, 40)),
        (-1.1, -0.75, 0.6, 0.82, _HEAD), (0.75, 1.1, 0.6, 0.82, _HEAD),
        (-0.28, 0.28, 0.45, 0.56, (226, 226, 220))], BUS)  # fmt: skip
    paint_end(canvas, frame, -half - 0.01, [
        (-1.05, 1.05, 1.7, 2.75, dark), (-0.9, 0.9, 0.6, 1.3, colour * 0.7),
        (-1.15, -0.95, 0.7, 1.4, _TAIL), (0.95, 1.15, 0.7, 1.4, _TAIL)], BUS)  # fmt: skip


def paint_train(canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Paint a tram of two or three cars with a pantograph."""
    colour = pick(rng, ((196, 40, 48), (230, 224, 200), (40, 110, 80), (240, 200, 60)))
    colour = colour * 0.65 + np.mean(canvas.domain.vehicles) * 0.35 * (canvas.domain.saturation < 1)
    section, high, width = 8.0, 3.45, 2.35
    num = int(rng.integers(2, 4))
    starts = [i * section - num * section / 2 for i in range(num)]
    far_first = sorted(starts, key=lambda a: -frame.points(np.array([a + 4, 1.0, 0.0]))[2])
    for rear in far_first:
        front = rear + section - 0.35
        slant = 0.5 if rear == starts[-1] else 0.0
        panes = _windows(rear + 0.4, front - 0.5, 1.5, 2.7, 1.85)
        body = Body(_box(rear, front, 0.3, high, slant), width, panes,
                    glazed=(1,) if slant else ())  # fmt: skip
        for side in paint_body(canvas, frame, body, colour, TRAIN):
            for low, top, ink in ((0.32, 0.6, (52, 54, 58)), (1.1, 1.3, colour * 0.3 + 150)):
                band = np.array([[rear, low], [rear, top], [front, top], [front, low]])
                lit = canvas.shade(np.asarray(ink), (0, 0.3, -0.6))
                canvas.fill(frame.points(body.side(band, side) * (1, 1, 1.004)), lit, TRAIN)
    mast = frame.points(np.array([[0.5, high, 0.0], [-0.4, high + 0.7, 0.0], [0.5, high + 1.4, 0]]))
    canvas.hull(mast[:2], 0.04, (60, 60, 64), TRAIN)
    canvas.hull(mast[1:], 0.04, (60, 60, 64), TRAIN)
    half = num * section / 2 - 0.33
    lamps = [(-0.95, -0.7, 0.75, 0.95), (0.7, 0.95, 0.75, 0.95)]
    paint_end(canvas, frame, half + 0.02,
              [(-0.6, 0.6, 2.95, 3.25, (250, 176, 40)), *((*lamp, _HEAD) for lamp in lamps)],
              TRAIN)  # fmt: skip
    paint_end(canvas, frame, -half - 0.35,
              [(-1.0, 1.0, 1.6, 2.9, (40, 46, 50)), *((*lamp, _TAIL) for lamp in lamps)],
              TRAIN)  # fmt: skip
