"""Metrics, class names, pixel samplers, checkpoints and hooks."""

from . import evaluation, seg

__all__ = ['evaluation', 'seg']
