"""Metrics, class names, pixel samplers, checkpoints and hooks."""

from mmseg.utils.old_places import serve

from . import evaluation
from .compat import NAMES, PLACES

__all__ = ['evaluation', *NAMES]
__getattr__ = serve(__name__, NAMES, PLACES)
