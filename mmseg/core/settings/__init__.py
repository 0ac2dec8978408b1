"""Settings: what a config may say of what the code reads itself; docs/config.md lists them.

What is built by `type` (networks, data sets, transforms, hooks, …) documents its own arguments.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mmseg.utils.errors import UserError, nearest

from .checkpoints import CheckpointSettings
from .data import DataSettings
from .descriptions import describes_only, only_helps_to_write
from .distribution import DistributionSettings
from .evaluation import EvaluationSettings
from .logs import LoggingSettings
from .plugins import PluginSettings
from .run import RunSettings
from .setting import Meaning, Settings
from .speed import SpeedSettings
from .training import RunnerSettings, TrainingSettings

ALL_SETTINGS: tuple[type[Settings], ...] = (
    TrainingSettings,
    RunnerSettings,
    DataSettings,
    EvaluationSettings,
    CheckpointSettings,
    LoggingSettings,
    RunSettings,
    PluginSettings,
    DistributionSettings,
    SpeedSettings,
)

__all__ = [
    'ALL_SETTINGS',
    'CheckpointSettings',
    'DataSettings',
    'DistributionSettings',
    'EvaluationSettings',
    'LoggingSettings',
    'Meaning',
    'PluginSettings',
    'RunSettings',
    'RunnerSettings',
    'Settings',
    'SpeedSettings',
    'TrainingSettings',
    'check_settings',
    'describes_only',
    'missing_to_train',
    'only_helps_to_write',
]


def check_settings(config: Mapping[str, Any]) -> None:
    """Refuse keys of a whole config that nobody reads, and values of the wrong kind.

    Raises:
        UserError: Names the key, and what was expected or the known key nearest to it.
    """
    known = {
        key
        for settings in ALL_SETTINGS
        for key in ([settings.SECTION] if settings.SECTION else settings.meanings())
    }
    for key in config:
        if not describes_only(key) and key not in known:
            hint = f"{nearest(key, known)} (helper variables of a config start with '_')"
            raise UserError(f'config key {key!r} is read by nobody; {hint}')
    for settings in ALL_SETTINGS:
        settings.refuse_unknown(config)
    for settings in ALL_SETTINGS:
        settings.of(config)


def missing_to_train(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the dotted names of settings that a config lacks and training needs."""
    for settings in ALL_SETTINGS:
        values = settings.of(config)
        for key in settings.needed_to_train():
            if getattr(values, key.rpartition('.')[2]) is None:
                yield key
