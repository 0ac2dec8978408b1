"""Checkpoint files: read without running code, told whole from damaged, found again."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmseg.utils.errors import UserError, UserFileNotFoundError
from mmseg.utils.links import named
from mmseg.utils.logger import get_root_logger

_ASKED_FOR = re.compile(r'(?:GLOBAL|global:?|class|function) ([\w.]+\.[\w.]+)')
_NUMBERED = re.compile(r'(?:best_.+_)?iter_(\d+)\.pth')


class DamagedCheckpointError(UserError):
    """A file that is there but is no whole checkpoint; an earlier one may do."""


def read_checkpoint(path: str | Path, trust: bool = False) -> dict[str, Any]:
    """Read a checkpoint file, without running any code that it may hold unless it is trusted.

    Args:
        path: A file written by this project, mmsegmentation, DAFormer or plain `torch.save`.
        trust: Whether the file may run code: for files of one's own that hold more than weights.

    Returns:
        A dictionary with 'state_dict' and, where the file has them, 'meta' and 'optimizer'.

    Raises:
        DamagedCheckpointError: The file is cut off, or no checkpoint.
        UserError: There is no such file, or it asks for more than plain data.
    """
    path = Path(path)
    if not path.is_file():
        raise UserFileNotFoundError(
            f'no checkpoint file at {named(path)}; give the path of a .pth file'
        )
    try:
        with torch.serialization.safe_globals(_numpy_scalars()), warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'Detected pickle protocol')
            checkpoint = torch.load(path, map_location='cpu', weights_only=not trust)
    except pickle.UnpicklingError as error:
        raise _refusal(path, [] if trust else _asked_for(path, error), error) from error
    except Exception as error:  # an untrusted stream of bytes may fail in any way
        raise DamagedCheckpointError(
            f'{path} is damaged or not a checkpoint: {first_line(error)}'
        ) from error
    return _with_state_dict(checkpoint, path)


def check_resumable(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Make sure that a run can go on from a checkpoint.

    Args:
        checkpoint: From `read_checkpoint`.
        path: Its file, for the message.

    Raises:
        UserError: It holds weights alone.
    """
    if 'optimizer' not in checkpoint or 'iter' not in (checkpoint.get('meta') or {}):
        raise UserError(
            f'{path} holds weights only, no optimizer and iteration to resume from; '
            'use --load-from to start from its weights'
        )


def check_sums(path: Path) -> None:
    """Compare a checkpoint's content with the sums in it, which PyTorch does not do.

    Raises:
        DamagedCheckpointError: They differ, or the file is cut off.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise DamagedCheckpointError(f'{path} is not whole: {first_line(error)}') from error
    if broken is not None:
        raise DamagedCheckpointError(f'{path} is damaged: the sum of its part {broken} is wrong')


def saved_checkpoints(folder: str | Path) -> list[Path]:
    """List the checkpoints in a work dir by age, the one written last first.

    The time decides, not the number: a run that went back to an earlier iteration goes on from
    what it wrote since. Numbers decide where times are equal.
    """
    files = [path for path in Path(folder).glob('*.pth') if path.is_file()]
    found = [(path, number) for path in files if (number := iteration_of(path))]
    ordered = sorted(found, key=lambda pair: (pair[0].stat().st_mtime_ns, pair[1]), reverse=True)
    return [path for path, _ in ordered]


def newest_whole_checkpoint(
    folder: str | Path, trust: bool = False
) -> tuple[Path, dict[str, Any]] | None:
    """Find the newest checkpoint in a work dir that is whole; the log names those passed over.

    Args:
        folder: The work dir.
        trust: As for `read_checkpoint`.

    Returns:
        Its path and what it holds; None where there is none.

    Raises:
        UserError: It asks for more than plain data.
    """
    logger = get_root_logger()
    for path in saved_checkpoints(folder):
        try:
            check_sums(path)
            return path, read_checkpoint(path, trust)
        except DamagedCheckpointError as error:
            logger.warning(f'{error}; passed over for the one before it')
    logger.info(f'no whole checkpoint in {folder}: starting from the beginning')
    return None


def first_line(error: BaseException) -> str:
    """Return the start of an error's message, or its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


def iteration_of(path: Path) -> int:
    """Return the iteration that a checkpoint's name tells; 0 for a name that tells none."""
    match = _NUMBERED.fullmatch(path.name)
    return int(match[1]) if match else 0


def _refusal(path: Path, asked: Sequence[str], error: pickle.UnpicklingError) -> UserError:
    if not asked:
        return DamagedCheckpointError(f'{path} is damaged or not a checkpoint: {first_line(error)}')
    return UserError(
        f'{path} is refused: it asks for {", ".join(asked)}, more than tensors and plain values, '
        'and loading it could run any code; --trust-checkpoint loads it all the same'
    )


def _asked_for(path: Path, error: pickle.UnpicklingError) -> list[str]:
    """Name the functions and classes that a file wants called."""
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # not the current format, or damaged further on
        return sorted(set(_ASKED_FOR.findall(str(error))))


def _with_state_dict(content: object, path: Path) -> dict[str, Any]:
    if isinstance(content, Mapping):
        checkpoint = dict(content)
        for key in ('state_dict', 'model_state_dict', 'model'):
            if isinstance(checkpoint.get(key), Mapping):
                checkpoint['state_dict'] = checkpoint[key]
                return checkpoint
        if checkpoint and all(isinstance(value, torch.Tensor) for value in checkpoint.values()):
            return {'state_dict': checkpoint}
    raise UserError(f"{path} holds no weights: expected a state dict or a dict with 'state_dict'")


def _numpy_scalars() -> list[Any]:
    """What mmcv's checkpoints need beyond plain types: a best score is a NumPy float."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ('f4', 'f8', 'i4', 'i8', 'bool')]
    return [scalar, (scalar, 'numpy.core.multiarray.scalar'), np.dtype, *kinds]
