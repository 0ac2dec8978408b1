"""Necks: what changes the backbone's maps before the heads read them."""

from .segformer_adapter import SegFormerAdapter
from .simple_feature_pyramid import SimpleFeaturePyramid

__all__ = ['SegFormerAdapter', 'SimpleFeaturePyramid']
