"""Metrics, class names, pixel samplers, checkpoints and hooks."""

from . import evaluation

__all__ = ['evaluation']
