"""Who uses the road: cars, trucks, buses, trams, motorcycles and bicycles, moving and parked."""

from collections.abc import Callable
from functools import partial

import numpy as np

from .domains import Domain
from .layout import Item, Street
from .people import paint_bicycle, paint_motorcycle
from .roadside import child
from .shapes import Frame, circle
from .vehicles import paint_bus, paint_car, paint_train, paint_truck

# painter, half length, half width, height
_SIZES: dict[str, tuple[Callable[..., None], float, float, float]] = {
    'car': (paint_car, 2.3, 0.9, 1.5),
    'truck': (paint_truck, 4.2, 1.2, 3.3),
    'bus': (paint_bus, 5.4, 1.25, 3.0),
    'train': (paint_train, 11.0, 1.2, 3.4),
    'motorcycle': (partial(paint_motorcycle, ridden=True), 1.0, 0.35, 1.5),
    'bicycle': (partial(paint_bicycle, ridden=True), 0.9, 0.3, 1.6),
}
_ROUND = np.insert(circle(10), 1, 0.0, axis=1)
_LANE_KINDS = ('car', 'truck', 'bus', 'motorcycle')
_LANE_SHARES = np.array((0.68, 0.12, 0.09, 0.11))


def vehicle_item(rng: np.random.Generator, kind: str, x: float, z: float, heading: float) -> Item:
    """Return a vehicle of a kind of `_SIZES` whose middle is at (x, z)."""
    painter, half, side, height = _SIZES[kind]
    frame = Frame(np.array([x, 0.0, z]), heading)
    corners = np.array([[half, 0, side], [half, 0, -side], [-half, 0, -side], [-half, 0, side]])
    if half < 1.5:
        corners = _ROUND * (half, 0, side)
    footprint = frame.points(corners)[:, [0, 2]]
    paint = partial(painter, rng=child(rng), frame=frame)
    return Item(float(footprint[:, 1].max()), x, paint, footprint, height, True)


def traffic_items(rng: np.random.Generator, domain: Domain, street: Street) -> list[Item]:
    """Return everything on the road."""
    items = _parked_items(rng, domain, street)
    kinds, shares = _kinds(domain)
    first_left = street.centre - (3.2 if street.tracks is not None else 0.0)
    lanes = [
        (x, 0.0)
        for x in np.arange(
            street.centre + street.lane / 2, street.right - street.parking, street.lane
        )
    ]
    lanes += [
        (x, np.pi)
        for x in np.arange(first_left - street.lane / 2, street.left + street.parking, -street.lane)
    ]
    for x, heading in lanes:
        own = heading == 0 and abs(x) < street.lane / 2
        z = rng.uniform(9 if own else 7, 30 if own else 24)
        while z < 100:
            if rng.random() < 0.62 * domain.traffic:
                kind = str(rng.choice(kinds, p=shares))
                half = _SIZES[kind][1]
                at = z + half
                if street.free(at - half - 1, at + half + 1):
                    items.append(vehicle_item(rng, kind, x + rng.normal(0, 0.15), at, heading))
                z = at + half
            z += rng.uniform(6, 22)
    items += _cyclist_items(rng, street) + _crossing_items(rng, domain, street)
    if street.tracks is not None and rng.random() < 0.75:
        z = rng.uniform(20, 55)
        items.append(vehicle_item(rng, 'train', street.tracks, z, float(rng.choice((0, np.pi)))))
    return items


def _kinds(domain: Domain) -> tuple[list[str], np.ndarray]:
    kept = [i for i, kind in enumerate(_LANE_KINDS) if kind not in domain.absent]
    shares = _LANE_SHARES[kept]
    return [_LANE_KINDS[i] for i in kept], shares / shares.sum()


def _parked_items(rng: np.random.Generator, domain: Domain, street: Street) -> list[Item]:
    items: list[Item] = []
    for side in (-1, 1) if street.parking else ():
        fill = rng.uniform(0.3, 0.9)
        x = street.edge(side) - side * street.parking / 2
        for z in np.arange(rng.uniform(6, 12), 95, 5.8):
            if rng.random() < fill and street.free(z - 4, z + 4):
                items.append(vehicle_item(rng, 'car', x, z, 0.0 if side > 0 else np.pi))
    return items


def _cyclist_items(rng: np.random.Generator, street: Street) -> list[Item]:
    items = []
    for side in (-1, 1):
        for kind, rate in (('bicycle', 0.42), ('motorcycle', 0.1)):
            for _ in range(rng.poisson(rate)):
                x = street.edge(side) - side * (street.parking + rng.uniform(0.5, 1.0))
                heading = (0.0 if side > 0 else np.pi) + rng.normal(0, 0.25)
                z = 6.5 * np.exp(rng.uniform(0, 1.5))
                items.append(vehicle_item(rng, kind, x, z, heading))
    return items


def _crossing_items(rng: np.random.Generator, domain: Domain, street: Street) -> list[Item]:
    """Return vehicles on the crossing street, seen from the side."""
    items: list[Item] = []
    if street.crossing is None:
        return items
    kinds, shares = _kinds(domain)
    for share, heading in ((0.3, np.pi / 2), (0.7, -np.pi / 2)):
        z = street.crossing[0] + share * (street.crossing[1] - street.crossing[0])
        for x in np.arange(-24, 24, 11):
            if rng.random() < 0.35 * domain.traffic:
                kind = str(rng.choice([*kinds, 'bicycle'], p=[*(shares * 0.8), 0.2]))
                items.append(vehicle_item(rng, kind, x + rng.uniform(-2, 2), z, heading))
    return items
