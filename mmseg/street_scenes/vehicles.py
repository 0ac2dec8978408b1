"""Painters of cars, trucks, buses and trams, seen from any side."""

import numpy as np

from .canvas import Canvas
from .labels import BUS, CAR, TRAIN, TRUCK
from .shapes import Frame, pick
from .solids import Body, paint_body, paint_end, paint_wheel_faces, paint_wheels

_TAIL, _HEAD = (196, 24, 24), (246, 244, 226)


def paint_car(canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Paint a car: saloon, hatchback, estate, off-roader or van."""
    colour = pick(rng, canvas.domain.vehicles)
    shape = _CARS[rng.choice(len(_CARS), p=_CAR_SHARES)]
    length, height, width, bonnet, screen, roof_end, rear_top = shape
    half, sill, waist = length / 2, 0.26, height * 0.6
    outline = np.array(
        [
            [half, sill],
            [half, waist * 0.78],
            [half - 0.12, waist * 0.86],
            [half - bonnet, waist],
            [half - bonnet - screen, height - 0.04],
            [half - bonnet - screen - 0.35, height],
            [-half + roof_end + 0.3, height],
            [-half + roof_end, height - 0.06],
            [-half + rear_top, waist],
            [-half + 0.05, waist * 0.95],
            [-half, waist * 0.6],
            [-half, sill],
        ]
    )
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
        seam = np.array(
            [[post, sill + 0.1], [post - 0.02, sill + 0.1], [post - 0.02, waist], [post, waist]]
        )
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
    paint_end(
        canvas,
        frame,
        half + 0.01,
        [
            (-w * 0.55, w * 0.55, waist * 0.5, waist * 0.74, dark),
            (-w * 0.94, w * 0.94, 0.26, 0.42, colour * 0.35),
            (-w * 0.95, -w * 0.62, *lamp, _HEAD),
            (w * 0.62, w * 0.95, *lamp, _HEAD),
            (-0.26, 0.26, 0.42, 0.53, plate),
        ],
        CAR,
    )
    paint_end(
        canvas,
        frame,
        -half - 0.01,
        [
            (-w * 0.94, w * 0.94, 0.26, 0.44, colour * 0.35),
            (-w * 0.95, -w * 0.68, *lamp, tail),
            (w * 0.68, w * 0.95, *lamp, tail),
            (-0.26, 0.26, 0.48, 0.6, plate),
        ],
        CAR,
    )


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
    return np.array(
        [
            [front, low],
            [front, (low + high) * 0.45],
            [front - slant, high],
            [rear, high],
            [rear, low],
        ]
    )


def _windows(rear: float, front: float, low: float, high: float, length: float) -> list:
    starts = np.arange(rear, front - length * 0.6, length)
    return [
        np.array(
            [
                [a, low],
                [a, high],
                [min(a + length - 0.16, front), high],
                [min(a + length - 0.16, front), low],
            ]
        )
        for a in starts
    ]


def paint_truck(canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Paint a lorry: a cab, and a box, a tarpaulin or a tank behind it."""
    cab_colour = pick(rng, canvas.domain.vehicles)
    load_colour = pick(rng, ((226, 226, 222), (186, 190, 192), *canvas.domain.vehicles))
    length, high = rng.uniform(6.5, 9), rng.uniform(3.0, 3.7)
    half, width = length / 2, 2.4
    cab = Body(
        _box(half - 1.9, half, 0.5, 2.75, 0.25),
        width - 0.15,
        _windows(half - 1.3, half - 0.3, 1.65, 2.45, 1.1),
        glazed=(1,),
    )
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
                band = np.array(
                    [[-half + 0.8, 1.9], [-half + 0.8, 2.5], [half - 3, 2.5], [half - 3, 1.9]]
                )
                world = frame.points(load.side(band, side) * (1, 1, 1.005))
                canvas.fill(world, cab_colour * 0.9, TRUCK)
    dark = (46, 46, 48)
    paint_end(
        canvas,
        frame,
        half + 0.01,
        [
            (-1.0, 1.0, 0.95, 1.3, dark),
            (-1.05, -0.7, 0.6, 0.85, _HEAD),
            (0.7, 1.05, 0.6, 0.85, _HEAD),
            (-0.28, 0.28, 0.6, 0.72, (226, 226, 220)),
        ],
        TRUCK,
    )
    paint_end(
        canvas,
        frame,
        -half - 0.01,
        [
            (-0.03, 0.03, 1.0, high - 0.1, dark),
            (-1.15, 1.15, 0.62, 0.95, dark),
            (-1.1, -0.75, 0.7, 0.9, _TAIL),
            (0.75, 1.1, 0.7, 0.9, _TAIL),
            (-0.28, 0.28, 0.7, 0.82, (226, 226, 220)),
        ],
        TRUCK,
    )


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
    paint_end(
        canvas,
        frame,
        half + 0.02,
        [
            (-1.0, 1.0, 2.6, 2.95, dark),
            (-0.7, 0.7, 2.68, 2.86, (250, 176, 40)),
            (-1.1, -0.75, 0.6, 0.82, _HEAD),
            (0.75, 1.1, 0.6, 0.82, _HEAD),
            (-0.28, 0.28, 0.45, 0.56, (226, 226, 220)),
        ],
        BUS,
    )
    paint_end(
        canvas,
        frame,
        -half - 0.01,
        [
            (-1.05, 1.05, 1.7, 2.75, dark),
            (-0.9, 0.9, 0.6, 1.3, colour * 0.7),
            (-1.15, -0.95, 0.7, 1.4, _TAIL),
            (0.95, 1.15, 0.7, 1.4, _TAIL),
        ],
        BUS,
    )


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
        body = Body(_box(rear, front, 0.3, high, slant), width, panes, glazed=(1,) if slant else ())
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
    paint_end(
        canvas,
        frame,
        half + 0.02,
        [(-0.6, 0.6, 2.95, 3.25, (250, 176, 40)), *((*lamp, _HEAD) for lamp in lamps)],
        TRAIN,
    )
    paint_end(
        canvas,
        frame,
        -half - 0.35,
        [(-1.0, 1.0, 1.6, 2.9, (40, 46, 50)), *((*lamp, _TAIL) for lamp in lamps)],
        TRAIN,
    )
