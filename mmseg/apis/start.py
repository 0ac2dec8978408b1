"""What a training goes on from."""

from pathlib import Path
from typing import Any, NamedTuple

from mmcv.utils import Config

from mmseg.core.checkpoint_reading import (
    check_resumable,
    newest_whole_checkpoint,
    read_checkpoint,
)
from mmseg.core.settings import CheckpointSettings
from mmseg.utils.distributed import done_by_first


class Start(NamedTuple):
    """A checkpoint that a training goes on from.

    Attributes:
        path: Its file.
        content: What that holds.
    """

    path: str
    content: dict[str, Any]


def find_start(cfg: Config, auto_resume: bool = False, trust: bool = False) -> Start | None:
    """Read the checkpoint that a training goes on from; the first process chooses it for all.

    Args:
        cfg: The run's config: `work_dir` and perhaps `resume_from`.
        auto_resume: Whether the newest whole checkpoint in the work dir comes first.
        trust: Whether the file may run code, as for `read_checkpoint`.

    Returns:
        None for a training that begins.

    Raises:
        UserError: The file that `resume_from` names is missing or damaged, or asks for more than
            plain data.
    """

    def choose() -> str | None:
        found = newest_whole_checkpoint(cfg.work_dir, trust) if auto_resume else None
        return CheckpointSettings.of(cfg).resume_from if found is None else str(found[0])

    path = done_by_first(choose)
    if not path:
        return None
    content = read_checkpoint(Path(path), trust)
    check_resumable(content, path)
    return Start(path, content)
