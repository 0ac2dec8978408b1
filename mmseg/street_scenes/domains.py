"""What sets one set of street scenes apart from another: all of the domain shift in one place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Vector = Sequence[float] | np.ndarray
Colour = Vector
RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Domain:
    """The look and the habits of one set of scenes. Colours are RGB, 0 to 255.

    Attributes:
        name: Shown in messages.
        absent: Names of the classes that are never drawn.
        eye: Height of the camera above the road, in metres.
        focal_ratio: Focal length over image width.
        horizon_ratio: Height of the horizon over image height, from the top.
        bonnet: Whether the bonnet of the own car is in the picture.
        ambient: Light from all around, as factors on RGB.
        sun: Light from the sun on a surface that faces it, as factors on RGB.
        shadow: How much darker a cast shadow is, in [0, 1].
        shadow_length: Metres of shadow for a metre of height; 0 leaves contact shadows only.
        sky: Colours of the sky at the top and at the horizon.
        cloud: Colour of the clouds.
        cloud_cover: Share of the sky that is clouded on average, in [0, 1].
        haze: Colour that distance fades to.
        haze_distance: Metres after which 1/e of a colour is left.
        road: Colours of road surfaces.
        sidewalk: Colours of sidewalks.
        terrain: Colours of grass and soil.
        foliage: Colours of leaves.
        facades: Colours of buildings.
        roofs: Colours of roofs.
        masonry: Colours of walls.
        fences: Colours of fences.
        poles: Colours of poles.
        glass: Colour of panes.
        vehicles: Colours of cars.
        clothes: Colours of clothes.
        storeys: Least and most storeys of buildings.
        traffic: Factor on the number of vehicles.
        people: Factor on the number of people.
        greenery: Share of trees and grass along the street, in [0, 1].
        wear: Strength of stains, seams and patches on surfaces, in [0, 1].
        texture: Contrast of the grain of surfaces, in grey levels.
        saturation: Factor on colourfulness.
        contrast: Factor on the distance from middle grey.
        gain: Factors on RGB, the colour cast of the camera.
        exposure_spread: Standard deviation of the exposure between images, as a share.
        blur: Standard deviation of the lens blur, in pixels of a 512 pixel wide image.
        vignette: How much darker the corners are, in [0, 1].
        noise: Standard deviation of the sensor noise, in grey levels.
    """

    name: str
    absent: tuple[str, ...] = ()
    eye: float = 1.5
    focal_ratio: float = 0.95
    horizon_ratio: float = 0.44
    bonnet: bool = False
    ambient: RGB = (0.62, 0.66, 0.78)
    sun: RGB = (0.66, 0.58, 0.42)
    shadow: float = 0.5
    shadow_length: float = 0.9
    sky: tuple[RGB, RGB] = ((70, 130, 215), (190, 215, 240))
    cloud: RGB = (250, 250, 250)
    cloud_cover: float = 0.45
    haze: RGB = (200, 215, 235)
    haze_distance: float = 400
    road: tuple[RGB, ...] = ((92, 92, 97), (80, 80, 86), (104, 101, 100))
    sidewalk: tuple[RGB, ...] = ((172, 162, 150), (186, 174, 160), (160, 156, 152))
    terrain: tuple[RGB, ...] = ((108, 150, 58), (124, 158, 66), (150, 140, 84))
    foliage: tuple[RGB, ...] = ((58, 128, 44), (80, 146, 52), (46, 108, 54), (112, 150, 48))
    facades: tuple[RGB, ...] = (
        (224, 190, 146),
        (206, 128, 96),
        (236, 220, 186),
        (184, 92, 72),
        (232, 200, 110),
        (150, 168, 190),
        (214, 214, 210),
        (200, 156, 148),
    )
    roofs: tuple[RGB, ...] = ((170, 82, 58), (110, 74, 62), (96, 100, 112))
    masonry: tuple[RGB, ...] = ((190, 150, 118), (196, 186, 170), (166, 102, 82))
    fences: tuple[RGB, ...] = ((226, 222, 214), (122, 84, 52), (52, 58, 60), (60, 96, 72))
    poles: tuple[RGB, ...] = ((128, 132, 136), (84, 92, 96))
    glass: RGB = (98, 132, 160)
    vehicles: tuple[RGB, ...] = (
        (206, 34, 30),
        (30, 74, 180),
        (238, 238, 236),
        (242, 190, 30),
        (34, 36, 42),
        (34, 128, 74),
        (176, 180, 188),
        (232, 110, 28),
    )
    clothes: tuple[RGB, ...] = (
        (204, 44, 50),
        (38, 70, 150),
        (236, 232, 226),
        (48, 50, 58),
        (242, 196, 60),
        (60, 140, 90),
        (150, 80, 150),
        (120, 92, 66),
    )
    storeys: tuple[int, int] = (2, 7)
    traffic: float = 1.0
    people: float = 1.0
    greenery: float = 0.4
    wear: float = 0.15
    texture: float = 3.0
    saturation: float = 1.15
    contrast: float = 1.1
    gain: RGB = (1.03, 1.0, 0.96)
    exposure_spread: float = 0.1
    blur: float = 0.0
    vignette: float = 0.0
    noise: float = 0.0


GTA = Domain('gta')

SYNTHIA = Domain(
    'synthia',
    absent=('terrain', 'truck', 'train'),
    eye=2.1,
    horizon_ratio=0.4,
    ambient=(0.70, 0.70, 0.74),
    sun=(0.55, 0.52, 0.46),
    shadow=0.4,
    sky=((96, 152, 226), (226, 232, 240)),
    road=((124, 118, 112), (108, 104, 102)),
    sidewalk=((158, 142, 132), (176, 150, 136), (140, 138, 142)),
    foliage=((72, 140, 60), (96, 160, 70), (60, 124, 72)),
    facades=(
        (240, 236, 226),
        (196, 176, 214),
        (150, 190, 200),
        (222, 170, 120),
        (210, 106, 90),
        (238, 210, 150),
        (130, 140, 160),
    ),
    glass=(70, 100, 130),
    people=1.3,
    storeys=(3, 9),
    saturation=1.25,
    gain=(1.0, 1.0, 1.02),
)

CITYSCAPES = Domain(
    'cityscapes',
    eye=1.35,
    focal_ratio=1.05,
    horizon_ratio=0.43,
    bonnet=True,
    ambient=(0.94, 0.96, 0.95),
    sun=(0.16, 0.16, 0.15),
    shadow=0.42,
    shadow_length=0.0,
    sky=((226, 230, 230), (250, 250, 246)),
    cloud=(200, 206, 208),
    cloud_cover=0.6,
    haze=(206, 212, 208),
    haze_distance=170,
    road=((112, 112, 110), (98, 100, 100), (126, 124, 120)),
    sidewalk=((126, 124, 118), (140, 134, 126), (116, 116, 114)),
    terrain=((96, 108, 66), (112, 108, 74), (84, 98, 62)),
    foliage=((62, 82, 48), (74, 90, 50), (52, 70, 48), (92, 94, 54)),
    facades=(
        (196, 188, 170),
        (170, 158, 142),
        (204, 202, 194),
        (150, 116, 98),
        (182, 172, 140),
        (134, 136, 136),
        (188, 160, 138),
        (160, 166, 158),
    ),
    roofs=((122, 78, 64), (92, 78, 72), (80, 84, 88)),
    masonry=((136, 126, 114), (150, 146, 138), (124, 98, 86)),
    fences=((120, 122, 118), (92, 80, 66), (52, 58, 58), (64, 80, 70)),
    poles=((104, 110, 110), (84, 90, 90), (66, 72, 72)),
    glass=(84, 96, 100),
    vehicles=(
        (38, 40, 44),
        (62, 66, 72),
        (150, 154, 156),
        (196, 198, 198),
        (52, 62, 88),
        (104, 34, 34),
        (84, 90, 92),
        (28, 30, 34),
    ),
    clothes=(
        (44, 46, 54),
        (58, 64, 82),
        (92, 86, 80),
        (34, 34, 38),
        (120, 50, 52),
        (130, 132, 130),
        (70, 78, 66),
        (160, 150, 136),
    ),
    storeys=(3, 6),
    traffic=1.2,
    people=1.2,
    greenery=0.5,
    wear=0.8,
    texture=11.0,
    saturation=0.8,
    contrast=0.85,
    gain=(0.85, 1.03, 0.89),
    exposure_spread=0.12,
    blur=0.5,
    vignette=0.2,
    noise=6.0,
)

DOMAINS = {domain.name: domain for domain in (GTA, SYNTHIA, CITYSCAPES)}
