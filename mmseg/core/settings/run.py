"""What a run is, whatever it trains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .kinds import DICTS, FLAG, FROM_ZERO, LEVEL, TEXT, Kind
from .setting import Settings, setting


@dataclass(frozen=True)
class RunSettings(Settings):
    """Where a run writes, what it can be repeated by, and who looks on."""

    work_dir: str | None = setting(
        None,
        TEXT,
        'Where logs, checkpoints and the report go; --work-dir comes first.',
        unset='work_dirs/NAME_OF_CONFIG',
    )
    seed: int = setting(
        0, FROM_ZERO, 'What all that is drawn at random derives from; --seed comes first.'
    )
    deterministic: bool = setting(
        False, FLAG, 'Whether PyTorch uses repeatable algorithms, as with --deterministic.'
    )
    cudnn_benchmark: bool = setting(
        False,
        FLAG,
        'Whether cuDNN tries its algorithms and keeps the quickest; not when `deterministic`.',
    )
    log_level: int | str = setting('INFO', LEVEL, 'The least important lines that are logged.')
    custom_hooks: Sequence[Mapping[str, Any]] = setting(
        (), DICTS, 'Hooks to add, by `type`, each with a `priority` if need be.'
    )
    workflow: Sequence[Any] = setting(
        (('train', 1),),
        Kind('a list', lambda value: isinstance(value, list | tuple)),
        "As in published configs; only [('train', 1)] has a meaning here.",
    )
