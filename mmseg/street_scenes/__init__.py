"""A procedural street-scene data set: all 19 Cityscapes classes, two domains, any size."""

from .domains import DOMAINS, Domain
from .scene import Scene, render_full_scene, render_scene
from .writers import LAYOUTS, write_street_scenes

__all__ = [
    'DOMAINS',
    'LAYOUTS',
    'Domain',
    'Scene',
    'render_full_scene',
    'render_scene',
    'write_street_scenes',
]
