"""Logging, environment, seeds and files; the lowest floor.

Names are looked up when first used, so that `mmseg.utils.errors` costs no import of torch.
"""

from importlib import import_module

# What mmsegmentation has here, and the error that code of others may want to catch.
_HOMES = {'UserError': 'errors', 'collect_env': 'environment', 'get_root_logger': 'logger'}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
