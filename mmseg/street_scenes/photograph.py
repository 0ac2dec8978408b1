"""From a painted scene to a photograph: grain of surfaces, lens, colours, sensor."""

import cv2
import numpy as np

from .camera import Camera
from .domains import Domain
from .labels import BUILDING, ROAD, SIDEWALK, SKY, TERRAIN, VEGETATION, WALL

# How grainy a surface is, relative to `Domain.texture`.
_GRAIN = {ROAD: 1.0, SIDEWALK: 0.9, TERRAIN: 1.6, VEGETATION: 2.0, BUILDING: 0.7, WALL: 1.0, SKY: 0}
_REFERENCE_WIDTH = 512


def add_texture(
    image: np.ndarray, labels: np.ndarray, camera: Camera, domain: Domain, rng: np.random.Generator
) -> np.ndarray:
    """Add the grain of surfaces, on the ground in perspective.

    Args:
        image: (H,W,3) float32, 0 to 255.
        labels: Label ids (H,W) uint8.
        camera: Where it is seen from.
        domain: Supplies the contrast of the grain.
        rng: Draws the grain.

    Returns:
        The image with grain, (H,W,3) float32.
    """
    strength = np.full(256, 0.35, np.float32)
    for label, weight in _GRAIN.items():
        strength[label] = weight
    grain = _screen_grain(camera, rng)
    x, z = camera.ground()
    # 12 cells of grain per metre nearby, and a coarser layer of stains; both wrap around.
    tile = rng.standard_normal((256, 256), dtype=np.float32)
    fine = cv2.remap(tile, x * 12, z * 6, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    stains = cv2.remap(tile, x * 0.9, z * 0.45, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    ground = 0.9 * fine * np.clip(14 / np.maximum(z, 1), 0, 1) + 0.35 * stains
    flat = np.isin(labels, (ROAD, SIDEWALK, TERRAIN)) & (z > 0)
    relief = np.where(flat, ground, grain) * strength[labels] * domain.texture
    # Grain is a share of the light that a surface throws back.
    return image * (1 + relief[..., None] / 110)


def _screen_grain(camera: Camera, rng: np.random.Generator) -> np.ndarray:
    size = (camera.width, camera.height)
    grain = np.zeros((camera.height, camera.width), np.float32)
    for cell, weight in ((1, 0.5), (3, 0.6), (12, 0.5)):
        cells = max(1.0, cell * camera.width / _REFERENCE_WIDTH)
        shape = (int(camera.height / cells) + 2, int(camera.width / cells) + 2)
        noise = rng.standard_normal(shape, dtype=np.float32)
        grain += weight * cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR)
    return grain


def expose(image: np.ndarray, domain: Domain, rng: np.random.Generator) -> np.ndarray:
    """Take the photograph: lens blur, vignette, colours, exposure and sensor noise.

    Args:
        image: (H,W,3) float32, 0 to 255.
        domain: Supplies lens and sensor.
        rng: Draws exposure and noise.

    Returns:
        The photograph, (H,W,3) uint8.
    """
    height, width = image.shape[:2]
    if domain.blur:
        image = cv2.GaussianBlur(image, (0, 0), max(0.2, domain.blur * width / _REFERENCE_WIDTH))
    grey = image @ np.array((0.299, 0.587, 0.114), np.float32)
    image = grey[..., None] + (image - grey[..., None]) * np.float32(domain.saturation)
    exposure = float(np.exp(rng.normal(0, domain.exposure_spread)))
    image = (image - 128) * np.float32(domain.contrast) + 128
    image *= np.float32(np.array(domain.gain) * exposure)
    if domain.vignette:
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        image *= (1 - np.float32(domain.vignette) * (x**2 + y**2) / 2)[..., None]
    if domain.noise:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        # Shot noise: bright pixels vary more.
        level = np.sqrt(np.clip(image, 0, 255) / 255 + 0.15)
        image = image + noise * level * np.float32(domain.noise)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
