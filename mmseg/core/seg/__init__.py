"""Choice of the pixels that a loss looks at."""

from .builder import PIXEL_SAMPLERS, build_pixel_sampler
from .sampler import BasePixelSampler, OHEMPixelSampler

__all__ = ['PIXEL_SAMPLERS', 'BasePixelSampler', 'OHEMPixelSampler', 'build_pixel_sampler']
