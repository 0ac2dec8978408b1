"""DIDA: domain adaptive semantic segmentation with dual-level interaction."""

from .utils import mmcv_bridge

mmcv_bridge.install()

__version__ = '1.0.0'
__all__ = ['__version__']
