"""One street scene from a seed: laid out, painted from far to near, photographed."""

from dataclasses import dataclass

import numpy as np

from mmseg.utils.errors import UserError

from .camera import Camera
from .canvas import Canvas
from .domains import Domain
from .ground import (
    FAR,
    KERB,
    paint_crosswalk,
    paint_dashes,
    paint_kerb,
    paint_rails,
    paint_shadow,
    paint_sky,
    paint_skyline,
    paint_slabs,
    paint_strip,
    paint_wear,
)
from .labels import EGO_VEHICLE, ROAD, SIDEWALK, TERRAIN
from .layout import Item, Plot, Street, draw_plots, draw_street, painting_order
from .photograph import add_texture, expose
from .roadside import paint_plot_ground, pedestrian_items, plot_items, row_items
from .shapes import vary
from .traffic import traffic_items

MIN_SIDE = 32


@dataclass(frozen=True)
class Scene:
    """A rendered scene: `image` (H,W,3) uint8 RGB, `label_ids` (H,W) uint8, `instance_ids` (H,W)
    uint16 with 0 for stuff."""

    image: np.ndarray
    label_ids: np.ndarray
    instance_ids: np.ndarray


def render_scene(
    seed: int, domain: Domain, size: tuple[int, int] = (512, 256)
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a street scene; the same arguments give the same pixels.

    Args:
        seed: Number of the scene, not negative.
        domain: How it looks, one of `DOMAINS` or your own.
        size: Width and height in pixels, each at least 32.

    Returns:
        The image, (H,W,3) uint8 RGB, and its Cityscapes label ids, (H,W) uint8.

    Raises:
        UserError: A negative seed or a size below 32.
    """
    scene = render_full_scene(seed, domain, size)
    return scene.image, scene.label_ids


def render_full_scene(seed: int, domain: Domain, size: tuple[int, int] = (512, 256)) -> Scene:
    """Draw a street scene with instance ids; arguments as for `render_scene`."""
    if seed < 0 or min(size) < MIN_SIDE:
        raise UserError(
            f'a street scene needs a seed >= 0 and a size of at least {MIN_SIDE}×{MIN_SIDE} '
            f'pixels; got seed {seed} and size {size[0]}×{size[1]}'
        )
    rng = np.random.default_rng((seed, sum(domain.name.encode())))
    street = draw_street(rng, domain)
    camera = _camera(rng, domain, street, size)
    canvas = Canvas(camera, domain, sun_side=float(rng.choice((-1, 1))))
    plots = draw_plots(rng, street)
    _paint_ground(canvas, rng, street, plots)
    items = [item for plot in plots for item in plot_items(rng, domain, street, plot)]
    items += row_items(rng, domain, street)
    items += pedestrian_items(rng, domain, street) + traffic_items(rng, domain, street)
    _paint_items(canvas, items)
    if domain.bonnet:
        _paint_bonnet(canvas, rng)
    label_ids, instance_ids = canvas.labels()
    image = canvas.image().astype(np.float32)
    # Two generators: how much grain is drawn depends on the size, the exposure must not.
    grain_rng, sensor_rng = rng.spawn(2)
    image = add_texture(image, label_ids, camera, domain, grain_rng)
    return Scene(expose(image, domain, sensor_rng), label_ids, instance_ids)


def _camera(
    rng: np.random.Generator, domain: Domain, street: Street, size: tuple[int, int]
) -> Camera:
    width, height = size
    return Camera(
        width=width,
        height=height,
        focal=width * domain.focal_ratio,
        horizon=height * (domain.horizon_ratio + rng.normal(0, 0.012)),
        eye=domain.eye * rng.uniform(0.94, 1.06),
        yaw=street.yaw,
        curve=street.curve,
    )


def _paint_ground(
    canvas: Canvas, rng: np.random.Generator, street: Street, plots: list[Plot]
) -> None:
    domain = canvas.domain
    paint_sky(canvas, rng)
    paint_skyline(canvas, rng)
    whole = (1.0, FAR)
    grassy = 'terrain' not in domain.absent
    base = street.terrain_colour if grassy else street.sidewalk_colour * 0.92
    paint_strip(canvas, (-250, 250), whole, base, TERRAIN if grassy else SIDEWALK)
    for plot in sorted(plots, key=lambda plot: -plot.z[1]):
        paint_plot_ground(canvas, street, plot)
    paint_strip(canvas, (street.left, street.right), whole, street.road_colour, ROAD)
    for side in (-1, 1):
        _paint_sidewalk(canvas, street, side)
    if street.crossing is not None:
        near, far = street.crossing
        paint_strip(canvas, (-80, 80), (near, far), street.road_colour, ROAD)
    paint_wear(canvas, rng, (street.left, street.right))
    _paint_markings(canvas, rng, street)


def _paint_sidewalk(canvas: Canvas, street: Street, side: int) -> None:
    edge, border = street.edge(side), street.border(side)
    stretches = [(1.0, FAR)]
    if street.crossing is not None:
        stretches = [(street.crossing[1], FAR), (1.0, street.crossing[0])]
    for z in stretches:
        paint_strip(canvas, (edge, border), z, street.sidewalk_colour, SIDEWALK, KERB)
        inner = edge + side * (street.verge + 0.15)
        paint_slabs(canvas, (min(inner, border), max(inner, border)), z, KERB)
        if street.verge:
            grass = (edge + side * 0.15, edge + side * street.verge)
            paint_strip(canvas, grass, z, street.terrain_colour, TERRAIN, KERB)
        paint_kerb(canvas, edge, side, z, street.sidewalk_colour)


def _paint_markings(canvas: Canvas, rng: np.random.Generator, street: Street) -> None:
    paint = vary((232, 232, 226), rng, 0.03) * (1 - 0.25 * canvas.domain.wear)
    if street.tracks is not None:
        paint_rails(canvas, street.tracks)
    solid = rng.random() < 0.4
    paint_dashes(canvas, street.centre, paint, 3.0, 0.0 if solid else 4.0)
    for x in np.arange(street.centre + street.lane, street.right - street.parking - 1, street.lane):
        paint_dashes(canvas, x, paint, 2.5, 5.0)
    if street.parking:
        for side in (-1, 1):
            paint_dashes(canvas, street.edge(side) - side * street.parking, paint, 1.0, 0.8, 0.1)
    if street.crossing is not None:
        near, far = street.crossing
        # Lines stop at a crossing street.
        paint_strip(canvas, (street.left, street.right), (near, far), street.road_colour, ROAD)
        paint_crosswalk(canvas, (street.left, street.right), near - 4.0, paint)
    elif rng.random() < 0.25:
        paint_crosswalk(canvas, (street.left, street.right), rng.uniform(10, 30), paint)


def _paint_items(canvas: Canvas, items: list[Item]) -> None:
    items = painting_order(items)
    for item in items:
        if item.footprint is not None:
            paint_shadow(canvas, item.footprint, item.height)
    for number, item in enumerate(items, start=1):
        canvas.instance = number if item.is_thing else 0
        item.paint(canvas)
    canvas.instance = 0


def _paint_bonnet(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint the bonnet of the own car along the lower edge."""
    camera = canvas.camera
    across = np.linspace(-0.02, 1.02, 24)
    crown = 0.925 - 0.02 * np.sin(np.pi * across) + 0.14 * np.abs(across - 0.5) ** 3
    for lower, colour in ((0.0, (58, 60, 62)), (0.012, (24, 26, 28)), (0.05, (36, 38, 40))):
        rows = np.minimum(crown + lower, 1.1)
        pixels = np.stack((across * camera.width, rows * camera.height), axis=1)
        corners = np.array(
            [
                [1.02 * camera.width, 1.1 * camera.height],
                [-0.02 * camera.width, 1.1 * camera.height],
            ]
        )
        canvas.fill_pixels(np.concatenate((pixels, corners)), colour, EGO_VEHICLE)
