"""Logging, environment, seeds and files; the lowest floor.

Names are looked up when first used, so that `mmseg.utils.errors` costs no import of torch.
"""

from .compat import NAMES, PLACES
from .old_places import serve

__all__ = sorted(NAMES)
__getattr__ = serve(__name__, NAMES, PLACES)
