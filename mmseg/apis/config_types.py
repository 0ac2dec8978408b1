"""What kind of value the settings have that the training code reads itself.

Settings of what is built by type are checked against the annotations of what is built.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from mmseg.speed.settings import CHOICES
from mmseg.utils.errors import UserError


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_from_zero(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of_settings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)


def _is_level(value: Any) -> bool:
    # By a name that it knows `logging` gives a number.
    number = logging.getLevelName(value) if isinstance(value, str) else value
    return isinstance(number, int) and not isinstance(number, bool)


_COUNT = ('a whole number above 0', _is_count)
_FROM_ZERO = ('a whole number from 0', _is_from_zero)
_WHOLE = ('a whole number', lambda value: isinstance(value, int))
_FLAG = ('True or False', lambda value: isinstance(value, bool))
_FLAG_OR_RATE = ('True, False or a learning rate', lambda value: isinstance(value, bool | float))
_SETTINGS = ('a dict', lambda value: isinstance(value, Mapping))
_HOOKS = ('a list of dicts', _is_list_of_settings)
_DATASETS = (
    'a dict or a list of dicts',
    lambda value: isinstance(value, Mapping) or _is_list_of_settings(value),
)
_AUTO = ("'auto' or 'off'", lambda value: value in CHOICES)
_TEXT = ('a text', lambda value: isinstance(value, str))
_TEXTS = ('a text or a list of them', lambda value: isinstance(value, str | list | tuple))

_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(('model', 'model.backbone', 'model.decode_head', 'uda'), _SETTINGS),
    **dict.fromkeys(('data.train', 'data.val', 'data.test'), _DATASETS),
    'optimizer': _SETTINGS,
    **dict.fromkeys(('lr_config', 'optimizer_config', 'checkpoint_config'), _SETTINGS),
    **dict.fromkeys(('amp', 'load_from', 'resume_from', 'work_dir'), _TEXT),
    'load_except': _TEXTS,
    'custom_imports.imports': _TEXTS,
    'custom_imports.allow_failed_imports': _FLAG,
    **dict.fromkeys(('channels_last', 'compile', 'cudnn_benchmark', 'deterministic'), _FLAG),
    **dict.fromkeys(('speed', 'recompute'), _AUTO),
    'data.test_samples_per_gpu': _COUNT,
    'data.workers_per_gpu': _FROM_ZERO,
    'dist_params.check_interval': _WHOLE,
    'dist_params.sync_bn': _FLAG,
    'runner.max_iters': _COUNT,
    'evaluation.interval': _WHOLE,
    'evaluation.metric': _TEXTS,
    'log_level': ("a level of logging, 'INFO' or 20 for example", _is_level),
    'log_config.interval': _COUNT,
    'log_config.hooks': _HOOKS,
    'custom_hooks': _HOOKS,
    'lr_may_rise': _FLAG_OR_RATE,
    'max_skipped_steps': _COUNT,
    'seed': _FROM_ZERO,
}


def check_types(config: Mapping[str, Any]) -> None:
    """Check settings that are not built by type.

    Args:
        config: The whole config; what it leaves out or sets to None is not judged.

    Raises:
        UserError: Names the setting, what was expected and what came.
    """
    for key, (expected, is_right) in _KINDS.items():
        value: Any = config
        for part in key.split('.'):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and not is_right(value):
            raise UserError(f'config key {key}: expected {expected}, got {value!r}')
