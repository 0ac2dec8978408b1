"""What a run begins with, and what it keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .kinds import DICT, TEXT, TEXTS
from .setting import Settings, setting


@dataclass(frozen=True)
class CheckpointSettings(Settings):
    """Checkpoints that are read and written."""

    load_from: str | None = setting(
        None, TEXT, 'Checkpoint to take the first weights from; --load-from comes first.'
    )
    load_except: str | Sequence[str] | None = setting(
        None, TEXTS, 'Entries of it to leave out, by how their names begin; as with --except.'
    )
    resume_from: str | None = setting(
        None, TEXT, 'Checkpoint of a run to go on with; --resume-from comes first.'
    )
    checkpoint_config: Mapping[str, Any] | None = setting(
        None,
        DICT,
        'Settings of `CheckpointHook`: `interval`, `max_keep_ckpts`, `save_optimizer`.',
        unset='one checkpoint, after the last iteration',
    )
