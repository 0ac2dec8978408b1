"""What is logged of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .kinds import COUNT, DICTS
from .setting import Settings, setting


@dataclass(frozen=True)
class LoggingSettings(Settings):
    """How often losses are logged, and where to."""

    SECTION: ClassVar[str] = 'log_config'

    interval: int = setting(50, COUNT, 'Iterations between two lines of the log.')
    hooks: Sequence[Mapping[str, Any]] = setting(
        ({'type': 'TextLoggerHook'},),
        DICTS,
        'Loggers, by `type`; each may have its own `interval`.',
    )
