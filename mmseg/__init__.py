"""DIDA: domain adaptive semantic segmentation with dual-level interaction."""

from .utils import mmcv_bridge
from .version import __version__

mmcv_bridge.install()

__all__ = ['__version__']
