"""Necks: what changes the backbone's maps before the heads read them."""

from .segformer_adapter import SegFormerAdapter

__all__ = ['SegFormerAdapter']
