"""What stands beside the road: plots with houses and gardens, trees, poles, signs, people."""

from functools import partial

import numpy as np

from .buildings import draw_style, paint_building
from .canvas import Canvas
from .domains import Domain
from .furniture import (
    footprint,
    paint_bin,
    paint_fence,
    paint_lamp_post,
    paint_sign,
    paint_traffic_light,
    paint_wall,
)
from .greenery import paint_hedge, paint_tree
from .ground import KERB, paint_strip
from .labels import SIDEWALK, TERRAIN
from .layout import Item, Plot, Street
from .people import paint_bicycle, paint_motorcycle, paint_person
from .shapes import Frame, Plane

_ALONG = np.array([0.0, 0.0, 1.0])


def child(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator of its own for one thing, so that it looks the same in any company."""
    return np.random.default_rng(int(rng.integers(2**62)))


def paint_plot_ground(canvas: Canvas, street: Street, plot: Plot) -> None:
    """Paint the ground of a plot: pavement under houses, grass elsewhere."""
    x = street.border(plot.side)
    paved = plot.kind == 'house' or 'terrain' in canvas.domain.absent
    colour = street.sidewalk_colour * 0.92 if paved else street.terrain_colour
    outer = x + plot.side * 60
    near, far = plot.z
    label = SIDEWALK if paved else TERRAIN
    paint_strip(canvas, (x, outer), (near, far + 6), colour, label, KERB)


def plot_items(rng: np.random.Generator, domain: Domain, street: Street, plot: Plot) -> list[Item]:
    """Return the things that stand on a plot."""
    x, (near, far) = street.border(plot.side), plot.z
    length = far - near
    items = []
    if plot.kind in ('house', 'yard'):
        back = 0.0 if plot.kind == 'house' else rng.uniform(4, 8)
        items.append(_house(rng, domain, street, plot, x + plot.side * back))
    if plot.kind != 'house':
        num = rng.poisson(length * (0.05 if plot.kind == 'yard' else 0.16))
        kinds = ('broad', 'broad', 'slim', 'conifer')
        for _ in range(num):
            away = rng.uniform(1.2, 4) if plot.kind == 'yard' else rng.uniform(1.5, 18)
            foot = np.array([x + plot.side * away, KERB, rng.uniform(near, far)])
            # What stands farther from the street must be painted before what stands closer.
            items.append(_tree(rng, foot, rng.uniform(4.5, 11), str(rng.choice(kinds)), far))
        items.extend(_front(rng, plot, x))
    return items


def _house(rng: np.random.Generator, domain: Domain, street: Street, plot: Plot, x: float) -> Item:
    low, high = domain.storeys
    if street.theme in ('homes', 'edge'):
        high = max(low, (low + high) // 2)
    storeys = int(rng.integers(low, high + 1))
    if plot.kind == 'yard':
        storeys = min(storeys, int(rng.integers(2, 4)))
    shops = {'centre': 0.65, 'avenue': 0.45}.get(street.theme, 0.12) * (plot.kind == 'house')
    style = draw_style(rng, domain, storeys, shops)
    paint = partial(
        paint_building,
        rng=child(rng),
        style=style,
        side=plot.side,
        x=x,
        z=plot.z,
        depth=rng.uniform(9, 14),
    )
    corners = np.array(
        [
            [x, plot.z[0]],
            [x + plot.side * 10, plot.z[0]],
            [x + plot.side * 10, plot.z[1]],
            [x, plot.z[1]],
        ]
    )
    shadow = corners if domain.shadow_length else None
    return Item(plot.z[1] + 1e-3, x, paint, shadow, min(style.eaves, 11.0))


def _front(rng: np.random.Generator, plot: Plot, x: float) -> list[Item]:
    """Return what closes a plot off from the street: a wall, fence, hedge or nothing."""
    near, far = plot.z
    length = far - near
    shares = {
        'yard': (0.2, 0.42, 0.25, 0.13),
        'park': (0.12, 0.4, 0.22, 0.26),
        'walled': (0.75, 0.25, 0, 0),
        'open': (0.05, 0.15, 0.2, 0.6),
    }[plot.kind]
    kind = str(rng.choice(('wall', 'fence', 'hedge', 'none'), p=shares))
    if kind == 'none':
        return []
    height = rng.uniform(0.9, {'wall': 2.6, 'fence': 1.8, 'hedge': 1.9}[kind])
    if kind == 'hedge':
        start = np.array([x + plot.side * 0.6, KERB, near])
        end = start + length * _ALONG
        paint = partial(paint_hedge, rng=child(rng), start=start, end=end, height=height)
    else:
        painter = paint_wall if kind == 'wall' else paint_fence
        plane = Plane(np.array([x + plot.side * 0.1, KERB, near]), _ALONG)
        paint = partial(painter, rng=child(rng), plane=plane, length=length, height=height)
    # In front of what stands on the plot, behind all that is on the street beside it.
    return [Item(far - 1e-3, x, paint)]


def _tree(
    rng: np.random.Generator, foot: np.ndarray, height: float, kind: str, depth: float | None = None
) -> Item:
    paint = partial(paint_tree, rng=child(rng), foot=foot, height=height, kind=kind)
    shade = footprint(foot, height * 0.22) if depth is None else None
    return Item(
        float(foot[2]) if depth is None else depth, float(foot[0]), paint, shade, height * 0.7
    )


def row_items(rng: np.random.Generator, domain: Domain, street: Street) -> list[Item]:
    """Return the rows along both kerbs: trees, lamp posts, signs, bins, parked two-wheelers."""
    items = []
    for side in (-1, 1):
        kerb = street.edge(side) + side * (street.verge / 2 if street.verge else 0.5)
        if rng.random() < 0.15 + domain.greenery * 0.8:
            gap, height = rng.uniform(7, 13), rng.uniform(4.5, 8.5)
            kind = str(rng.choice(('broad', 'slim'), p=(0.8, 0.2)))
            for z in np.arange(rng.uniform(7, 16), 100, gap):
                if street.free(z - 3, z + 3) and rng.random() < 0.85:
                    foot = np.array([kerb, KERB, z])
                    items.append(_tree(rng, foot, height * rng.uniform(0.85, 1.15), kind))
        for z in np.arange(rng.uniform(9, 22), 100, rng.uniform(20, 32)):
            if not street.free(z, z):
                continue
            foot = np.array([kerb, KERB, z])
            paint = partial(paint_lamp_post, rng=child(rng), foot=foot, side=side)
            items.append(Item(z, kerb, paint, footprint(foot, 0.1), 6))
        for painter, rate, nearest in ((paint_sign, 1.5, 6.5), (paint_bin, 0.5, 7)):
            for _ in range(rng.poisson(rate)):
                foot = np.array([kerb, KERB, nearest * np.exp(rng.uniform(0, 1.9))])
                paint = partial(painter, rng=child(rng), foot=foot)
                items.append(Item(foot[2], kerb, paint, footprint(foot, 0.12), 2))
        items.extend(_parked_cycles(rng, street, side))
    items.extend(_traffic_lights(rng, street))
    return items


def _parked_cycles(rng: np.random.Generator, street: Street, side: int) -> list[Item]:
    items = []
    for painter, chance, most in ((paint_bicycle, 0.3, 4), (paint_motorcycle, 0.16, 2)):
        if rng.random() > chance:
            continue
        z = 7 * np.exp(rng.uniform(0, 1.4))
        for _ in range(rng.integers(1, most + 1)):
            x = street.edge(side) + side * (street.verge + rng.uniform(0.6, 1.4))
            heading = rng.choice((-1, 1)) * np.pi / 2 + rng.normal(0, 0.3)
            frame = Frame(np.array([x, KERB, z]), heading)
            paint = partial(painter, rng=child(rng), frame=frame, ridden=False)
            items.append(Item(z, x, paint, footprint(frame.position, 0.5), 0.9, True))
            z += rng.uniform(0.7, 1.2)
    return items


def _traffic_lights(rng: np.random.Generator, street: Street) -> list[Item]:
    if street.crossing is not None:
        depths = [street.crossing[0] - 1.5, street.crossing[1] + 1.5]
        chance = 0.85
    else:
        depths, chance = [rng.uniform(12, 30)], 0.25
    items = []
    for z in depths if rng.random() < chance else []:
        for side in (-1, 1):
            foot = np.array([street.edge(side) + side * 0.45, KERB, z])
            paint = partial(paint_traffic_light, rng=child(rng), foot=foot, side=side)
            items.append(Item(z, foot[0], paint, footprint(foot, 0.12), 3))
    return items


def pedestrian_items(rng: np.random.Generator, domain: Domain, street: Street) -> list[Item]:
    """Return people on the sidewalks, alone or in pairs, and some who cross the street."""
    items = []
    for side in (-1, 1):
        start = street.edge(side) + side * (street.verge + 0.7)
        end = street.border(side) - side * 0.4
        for _ in range(rng.poisson(2.6 * domain.people)):
            z = 6.5 * np.exp(rng.uniform(0, 2.0))
            heading = rng.choice((0, np.pi)) + rng.normal(0, 0.35)
            for step in range(2 if rng.random() < 0.25 else 1):
                at = np.array([rng.uniform(min(start, end), max(start, end)), KERB, z + 0.4 * step])
                items.append(_person(rng, Frame(at, heading)))
    if rng.random() < 0.35:
        z = street.crossing[0] - 2.5 if street.crossing else rng.uniform(12, 35)
        for _ in range(rng.integers(1, 4)):
            at = np.array([rng.uniform(street.left, street.right), 0, z + rng.normal(0, 0.6)])
            items.append(_person(rng, Frame(at, rng.choice((-1, 1)) * np.pi / 2)))
    return items


def _person(rng: np.random.Generator, frame: Frame) -> Item:
    paint = partial(paint_person, rng=child(rng), frame=frame)
    x, _, z = frame.position.tolist()
    return Item(z, x, paint, footprint(frame.position, 0.28), 1.7, True)
