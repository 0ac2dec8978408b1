"""Where everything stands: a street is laid out first, then painted from far to near."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .domains import Domain
from .ground import FAR
from .shapes import pick


@dataclass(frozen=True, eq=False)
class Item:
    """One thing to paint.

    Attributes:
        depth: How far away its far end is.
        x: Where it stands, across the street.
        paint: Paints it on a canvas.
        footprint: Its corners (N,2) on the ground, if it throws a shadow.
        height: Its height in metres, for the shadow.
        is_thing: Whether it gets an instance id of its own.
    """

    depth: float
    x: float
    paint: Callable[[Canvas], None]
    footprint: np.ndarray | None = None
    height: float = 0.0
    is_thing: bool = False

    @property
    def near(self) -> float:
        """How far away its near end is."""
        return self.depth if self.footprint is None else float(self.footprint[:, 1].min())

    def hides(self, other: 'Item') -> bool:
        """Whether a part of it may be in front of something that is not quite so far away."""
        same_side = self.x * other.x > 0 or abs(self.x) < 1
        return other.depth > self.near and abs(other.x) > abs(self.x) + 0.3 and same_side


def painting_order(items: list[Item]) -> list[Item]:
    """Sort things from far to near; of long things side by side, the outer ones come first.

    The camera stands in the middle of the street, so what is farther out never hides what is
    farther in.
    """
    order = sorted(items, key=lambda item: -item.depth)
    for item in [item for item in order if item.is_thing and item.depth - item.near > 1]:
        place = order.index(item)
        after = order[place + 1 :]
        hidden = [other for other in after if item.hides(other)]
        kept = [other for other in after if not item.hides(other)]
        order = [*order[:place], *hidden, item, *kept]
    return order


@dataclass(frozen=True)
class Street:
    """The cross-section of a street, in metres; x = 0 is where the camera stands.

    Attributes:
        left: Left edge of the road.
        right: Right edge of the road.
        centre: Where the lanes of the two directions meet.
        lane: Width of a lane.
        parking: Width of the parking strip on either side, 0 for none.
        verge: Width of the grass strip between road and sidewalk, 0 for none.
        sidewalk: Width of the sidewalk.
        tracks: Where a tram track runs, or None.
        crossing: Near and far edge of a crossing street, or None.
        theme: `centre`, `homes`, `avenue` or `edge` (of town).
        yaw: Sideways shift per metre of depth.
        curve: Sideways shift per square metre of depth.
        road_colour: RGB.
        sidewalk_colour: RGB.
        terrain_colour: RGB.
    """

    left: float
    right: float
    centre: float
    lane: float
    parking: float
    verge: float
    sidewalk: float
    tracks: float | None
    crossing: tuple[float, float] | None
    theme: str
    yaw: float
    curve: float
    road_colour: np.ndarray
    sidewalk_colour: np.ndarray
    terrain_colour: np.ndarray

    def edge(self, side: int) -> float:
        """Return where the road ends on a side, -1 left or 1 right."""
        return self.left if side < 0 else self.right

    def border(self, side: int) -> float:
        """Return where the sidewalk ends and the plots begin on a side."""
        return self.edge(side) + side * (self.verge + self.sidewalk)

    def free(self, z0: float, z1: float) -> bool:
        """Whether the stretch from `z0` to `z1` keeps clear of the crossing street."""
        return self.crossing is None or z1 < self.crossing[0] or z0 > self.crossing[1]


def draw_street(rng: np.random.Generator, domain: Domain) -> Street:
    """Draw the cross-section and course of a street."""
    theme = str(rng.choice(('centre', 'homes', 'avenue', 'edge'), p=(0.36, 0.26, 0.2, 0.18)))
    lanes = 2 if theme == 'avenue' or rng.random() < 0.2 else 1
    lane = rng.uniform(3.0, 3.5)
    parking = rng.uniform(2.1, 2.4) if rng.random() < 0.6 else 0.0
    centre = -lane * (lanes - 0.5) if rng.random() < 0.5 else -lane / 2
    has_tracks = 'train' not in domain.absent and rng.random() < 0.42
    middle = rng.uniform(3.0, 3.4) if has_tracks else 0.0
    has_verge = 'terrain' not in domain.absent and rng.random() < 0.2 + domain.greenery
    near = rng.uniform(14, 55)
    return Street(
        left=centre - middle - lanes * lane - parking,
        right=centre + lanes * lane + parking,
        centre=centre,
        lane=lane,
        parking=parking,
        verge=rng.uniform(1.0, 2.2) if has_verge else 0.0,
        sidewalk=rng.uniform(2.6, 5.0),
        tracks=centre - middle / 2 if has_tracks else None,
        crossing=(near, near + rng.uniform(7, 11)) if rng.random() < 0.45 else None,
        theme=theme,
        yaw=float(rng.normal(0, 0.035)),
        curve=float(rng.normal(0, 0.0005)),
        road_colour=pick(rng, domain.road),
        sidewalk_colour=pick(rng, domain.sidewalk),
        terrain_colour=pick(rng, domain.terrain),
    )


@dataclass(frozen=True)
class Plot:
    """A piece of land beside the street.

    Attributes:
        kind: `house` at the sidewalk, `yard` with the house set back, `park`, `walled` or `open`.
        side: -1 left, 1 right.
        z: Near and far end.
    """

    kind: str
    side: int
    z: tuple[float, float]


_KINDS = ('house', 'yard', 'park', 'walled', 'open')
_KIND_SHARES = {
    'centre': (0.8, 0.04, 0.05, 0.06, 0.05),
    'homes': (0.3, 0.42, 0.1, 0.12, 0.06),
    'avenue': (0.55, 0.12, 0.17, 0.1, 0.06),
    'edge': (0.22, 0.2, 0.2, 0.24, 0.14),
}


def draw_plots(rng: np.random.Generator, street: Street) -> list[Plot]:
    """Divide both sides of a street into plots, leaving room for a crossing street."""
    plots = []
    for side in (-1, 1):
        z = rng.uniform(0.5, 3.0)
        while z < FAR - 15:
            end = z + rng.uniform(8, 22)
            if street.crossing is not None and z < street.crossing[1] + 3 < FAR:
                if z >= street.crossing[0] - 7:
                    z = street.crossing[1] + 3.5
                    continue
                end = min(end, street.crossing[0] - 3.5)
            kind = str(rng.choice(_KINDS, p=_KIND_SHARES[street.theme]))
            plots.append(Plot(kind, side, (z, end)))
            z = end + (rng.uniform(0, 5) if kind != 'house' or rng.random() < 0.15 else 0.0)
    return plots
