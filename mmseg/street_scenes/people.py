"""Painters of pedestrians, riders, bicycles and motorcycles."""

import numpy as np

from .canvas import Canvas
from .domains import Domain, Vector
from .labels import BICYCLE, MOTORCYCLE, PERSON, RIDER
from .shapes import Frame, circle, pick

_SKIN = ((236, 190, 160), (210, 160, 126), (150, 104, 76), (96, 66, 50))
_HAIR = ((40, 30, 24), (92, 62, 38), (170, 136, 82), (120, 116, 112))


class _Figure:
    """The colours of one person, and limbs painted with them."""

    def __init__(self, canvas: Canvas, rng: np.random.Generator, frame: Frame, label: int) -> None:
        domain: Domain = canvas.domain
        self.canvas, self.frame, self.label = canvas, frame, label
        self.skin = pick(rng, _SKIN)
        self.hair = pick(rng, _HAIR)
        self.top = pick(rng, domain.clothes)
        self.legs = pick(rng, domain.clothes) * 0.75
        self.shoes = np.array((36, 34, 34)) * rng.uniform(0.6, 2.4)

    def limb(self, joints: list, radii: float | list, colour: np.ndarray, tone: float = 1) -> None:
        """Paint a limb through local joints (ahead, up, left)."""
        world = self.frame.points(np.array(joints, float))
        lit = self.canvas.shade(colour * tone, (0, 0.4, -0.8))
        self.canvas.hull(world, radii, lit, self.label)

    def head(self, ahead: float, up: float, size: float, helmet: np.ndarray | None) -> None:
        """Paint neck, head and hair or helmet around (ahead, up)."""
        self.limb([(ahead, up - 0.2 * size, 0), (ahead, up, 0)], 0.05 * size, self.skin)
        self.limb(
            [(ahead + 0.01, up - 0.03, 0), (ahead, up + 0.05 * size, 0)],
            [0.085 * size, 0.1 * size],
            self.skin,
        )
        # Whoever walks away shows the back of the head.
        away = np.cos(self.frame.heading) > 0.3
        drop = -0.02 if away else 0.055
        cap = self.hair if helmet is None else helmet
        scale = 1.0 if helmet is None else 1.2
        self.limb(
            [(ahead - 0.03, up + drop * size, 0), (ahead - 0.02, up + 0.08 * size, 0)],
            0.1 * size * scale,
            cap,
        )


def paint_person(canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Paint someone who walks or stands, grown up or not, some in a skirt or with a bag."""
    figure = _Figure(canvas, rng, frame, PERSON)
    size = rng.uniform(0.92, 1.06) if rng.random() < 0.88 else rng.uniform(0.62, 0.8)
    stride = rng.uniform(0.1, 0.34) * size if rng.random() < 0.8 else 0.03
    hip, shoulder = 0.92 * size, 1.42 * size
    back, front = -stride, stride * 0.9
    for foot, side, tone in ((back, 0.09, 0.8), (front, -0.09, 1.0)):
        knee = (foot * 0.5 + 0.06 * size, 0.5 * size, side * size)
        figure.limb([(0, hip, side * size), knee], [0.1 * size, 0.075 * size], figure.legs, tone)
        figure.limb(
            [knee, (foot, 0.1, side * size)], [0.075 * size, 0.05 * size], figure.legs, tone
        )
        figure.limb(
            [(foot, 0.05, side * size), (foot + 0.14, 0.04, side * size)], 0.05, figure.shoes
        )
    _swing(figure, size, 0.2, -stride * 0.8, 0.85)
    low = 0.55 * size if rng.random() < 0.18 else 0.9 * size
    flare = 0.2 if low < 0.6 else 0.14
    figure.limb(
        [(0, low, 0.06), (0, low, -0.06), (0, 1.05 * size, 0)],
        [flare * size] * 2 + [0.13 * size],
        figure.top if low < 0.6 else figure.legs,
    )
    figure.limb(
        [
            (0, 0.98 * size, 0.05),
            (0, 0.98 * size, -0.05),
            (0, shoulder, 0.13 * size),
            (0, shoulder, -0.13 * size),
        ],
        [0.12 * size, 0.12 * size, 0.08 * size, 0.08 * size],
        figure.top,
    )
    if rng.random() < 0.3:
        figure.limb(
            [(-0.17, 1.1 * size, 0), (-0.17, 1.35 * size, 0)],
            0.12 * size,
            pick(rng, canvas.domain.clothes),
        )
    _swing(figure, size, -0.2, stride * 0.8, 1.05)
    figure.head(0.02, 1.62 * size, size, None)


def _swing(figure: _Figure, size: float, side: float, ahead: float, tone: float) -> None:
    shoulder = (0, 1.4 * size, side * size)
    elbow = (ahead * 0.3 - 0.04, 1.13 * size, side * 1.25 * size)
    hand = (ahead, 0.88 * size, side * 1.15 * size)
    figure.limb([shoulder, elbow], [0.06 * size, 0.05 * size], figure.top, tone)
    figure.limb([elbow, hand], [0.05 * size, 0.04 * size], figure.top, tone)
    figure.limb([hand, hand], 0.045 * size, figure.skin)


def paint_bicycle(canvas: Canvas, rng: np.random.Generator, frame: Frame, ridden: bool) -> None:
    """Paint a bicycle, and with it a rider when `ridden`."""
    colour = pick(rng, canvas.domain.vehicles)
    rear, front = np.array([-0.52, 0.34]), np.array([0.54, 0.34])
    for centre in (rear, front):
        _paint_wheel(canvas, frame, centre, 0.34, 0.045, BICYCLE)
    pedals, seat, bars = (-0.06, 0.3), (-0.2, 0.88), (0.38, 0.98)
    tubes: list[tuple[Vector, Vector]] = [
        (rear, pedals),
        (rear, (-0.16, 0.72)),
        (pedals, (-0.2, 0.84)),
        (pedals, (0.36, 0.78)),
        ((-0.17, 0.76), (0.36, 0.8)),
        (front, bars),
    ]
    for start, end in tubes:
        _tube(canvas, frame, [(*start, 0), (*end, 0)], 0.026, colour, BICYCLE)
    _tube(canvas, frame, [(*bars, -0.26), (*bars, 0.26)], 0.022, np.array((40, 40, 42)), BICYCLE)
    _tube(
        canvas,
        frame,
        [(seat[0] - 0.1, seat[1], 0), (seat[0] + 0.12, seat[1], 0)],
        0.05,
        np.array((36, 32, 30)),
        BICYCLE,
    )
    if ridden:
        helmet = pick(rng, canvas.domain.vehicles) if rng.random() < 0.4 else None
        _paint_rider(canvas, rng, frame, (-0.18, 0.98), bars, pedals, helmet)


def paint_motorcycle(canvas: Canvas, rng: np.random.Generator, frame: Frame, ridden: bool) -> None:
    """Paint a motorcycle or scooter, and with it a rider when `ridden`."""
    colour = pick(rng, canvas.domain.vehicles)
    rear, front = np.array([-0.68, 0.31]), np.array([0.72, 0.31])
    dark = np.array((34, 34, 36))
    for centre in (rear, front):
        _paint_wheel(canvas, frame, centre, 0.31, 0.12, MOTORCYCLE)
        _tube(
            canvas,
            frame,
            [(*centre, 0.0), (*centre, 0.0)],
            0.1,
            np.array((120, 122, 126)),
            MOTORCYCLE,
        )
    _tube(
        canvas, frame, [(*front, 0), (0.46, 0.98, 0)], 0.055, np.array((130, 132, 136)), MOTORCYCLE
    )
    _tube(canvas, frame, [(-0.25, 0.38, 0), (0.26, 0.4, 0), (0.1, 0.6, 0)], 0.17, dark, MOTORCYCLE)
    _tube(canvas, frame, [(-0.6, 0.72, 0), (-0.1, 0.66, 0)], [0.1, 0.14], colour, MOTORCYCLE)
    _tube(canvas, frame, [(-0.7, 0.84, 0), (-0.12, 0.78, 0)], 0.075, dark, MOTORCYCLE)
    _tube(
        canvas, frame, [(0.02, 0.82, 0), (0.36, 0.86, 0), (0.3, 0.7, 0)], 0.14, colour, MOTORCYCLE
    )
    _tube(canvas, frame, [(0.72, 0.64, 0), (0.56, 0.62, 0)], 0.06, colour, MOTORCYCLE)
    _tube(canvas, frame, [(0.44, 1.02, -0.34), (0.44, 1.02, 0.34)], 0.03, dark, MOTORCYCLE)
    toward = np.cos(frame.heading) < 0
    lamp, ink = ((0.56, 0.88), (246, 240, 214)) if toward else ((-0.78, 0.78), (206, 30, 30))
    canvas.hull(frame.points(np.array([[*lamp, 0.0]])), 0.09, ink, MOTORCYCLE)
    if ridden:
        helmet = pick(rng, canvas.domain.vehicles)
        _paint_rider(canvas, rng, frame, (-0.22, 0.95), (0.42, 1.04), (0.05, 0.36), helmet)


def _paint_wheel(
    canvas: Canvas, frame: Frame, centre: np.ndarray, radius: float, width: float, label: int
) -> None:
    disc = circle(18) * (radius - width / 2) + centre
    canvas.ring(frame.points(np.column_stack((disc, np.zeros(18)))), width, (26, 26, 28), label)
    for angle in np.arange(4) * np.pi / 4:
        spoke = radius * 0.85 * np.array([np.cos(angle), np.sin(angle)])
        _tube(
            canvas,
            frame,
            [(*(centre - spoke), 0), (*(centre + spoke), 0)],
            0.006,
            np.array((150, 150, 152)),
            label,
        )


def _tube(
    canvas: Canvas, frame: Frame, joints: list, radii: float | list, colour: np.ndarray, label: int
) -> None:
    lit = canvas.shade(colour, (0, 0.5, -0.7))
    canvas.hull(frame.points(np.array(joints, float)), radii, lit, label)


def _paint_rider(
    canvas: Canvas,
    rng: np.random.Generator,
    frame: Frame,
    seat: tuple[float, float],
    bars: tuple[float, float],
    pedals: tuple[float, float],
    helmet: np.ndarray | None,
) -> None:
    figure = _Figure(canvas, rng, frame, RIDER)
    turn = rng.uniform(0, 2 * np.pi)
    shoulder = (seat[0] + 0.28, seat[1] + 0.5)
    for side, phase in ((0.12, 0.0), (-0.12, np.pi)):
        foot = (pedals[0] + 0.15 * np.cos(turn + phase), pedals[1] + 0.15 * np.sin(turn + phase))
        knee = ((seat[0] + foot[0]) / 2 + 0.26, (seat[1] + foot[1]) / 2 + 0.1)
        figure.limb([(*seat, side), (*knee, side)], [0.1, 0.075], figure.legs)
        figure.limb([(*knee, side), (*foot, side)], [0.075, 0.05], figure.legs)
        figure.limb([(*foot, side), (foot[0] + 0.13, foot[1] - 0.02, side)], 0.05, figure.shoes)
    figure.limb(
        [(*seat, 0.05), (*seat, -0.05), (*shoulder, 0.14), (*shoulder, -0.14)],
        [0.14, 0.14, 0.1, 0.1],
        figure.top,
    )
    for side in (0.2, -0.2):
        elbow = ((shoulder[0] + bars[0]) / 2, (shoulder[1] + bars[1]) / 2 - 0.1, side * 1.2)
        figure.limb([(*shoulder, side), elbow], [0.07, 0.055], figure.top)
        figure.limb([elbow, (*bars, side)], [0.055, 0.045], figure.top)
        figure.limb([(*bars, side), (*bars, side)], 0.05, figure.skin)
    figure.head(shoulder[0] + 0.1, shoulder[1] + 0.22, 1.05, helmet)
