"""Logging, environment, seeds and files; the lowest floor.

Names are looked up when first used, so that `mmseg.utils.errors` costs no import of torch.
"""

from importlib import import_module

_HOMES = {
    'UserError': 'errors',
    'atomic_path': 'atomic',
    'choose_device': 'environment',
    'collect_env': 'environment',
    'derive_seed': 'seed',
    'get_root_logger': 'logger',
    'git_revision': 'environment',
    'log_to_file': 'logger',
    'numpy_generator': 'seed',
    'run_cli': 'cli',
    'torch_generator': 'seed',
    'track': 'progress',
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
