"""What is quicker than networks as they are written down, and equal: laid over a built model."""

from .overlay import quicken
from .settings import SpeedSettings

__all__ = ['SpeedSettings', 'quicken']
