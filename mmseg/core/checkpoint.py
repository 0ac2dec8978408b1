"""Checkpoints: saved whole or not at all, loaded into a model that they fit key by key."""

import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from mmseg.utils.atomic import atomic_path, sync_folder
from mmseg.utils.environment import git_revision
from mmseg.utils.errors import UserError, nearest

from .checkpoint_reading import first_line, read_checkpoint

Branch = Literal['model', 'ema_model']
LATEST = 'latest.pth'
_MAX_LISTED_KEYS = 10
_MAX_OPTIONS = 6
_ENCODER = 'backbone.'
_HEAD = 'decode_head.'
_HEAD_OF_TWO_SCALES = 'decode_head.head.'


class UnfitWeightsError(UserError):
    """Weights that are of another network than the one they were to fill."""


def save_checkpoint(
    model: nn.Module,
    path: str | Path,
    optimizer: torch.optim.Optimizer | None = None,
    meta: Mapping[str, Any] | None = None,
    link_latest: bool = True,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint under `path` and let `latest.pth` beside it point there.

    The file appears in one step when it is complete and on the disk; whatever was there before
    stays whole until then.

    Args:
        model: Network whose state is saved; its CLASSES and PALETTE go into the meta data.
        path: File to write.
        optimizer: Optimizer whose state is saved too.
        meta: Plain values to keep beside the weights: config text, iteration, seed, …
        link_latest: Whether `latest.pth` is to point to this file.
        training: Further state of the training loop, plain values and tensors.

    Raises:
        UserError: The file could not be written (full disk, no permission).
    """
    path = Path(path)
    state = {key: value.detach().cpu() for key, value in model.state_dict().items()}
    checkpoint = {'meta': _complete_meta(model, meta or {}), 'state_dict': state}
    if optimizer is not None:
        checkpoint['optimizer'] = optimizer.state_dict()
    if training is not None:
        checkpoint['training'] = dict(training)
    try:
        with atomic_path(path) as temporary:
            torch.save(checkpoint, temporary)
        if link_latest:
            point_latest_to(path)
        sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f'could not save {path} ({first_line(error)}); {_free_space(path.parent)}. '
            'Earlier checkpoints are untouched: make room and resume from the latest'
        ) from error


def point_latest_to(path: Path) -> None:
    """Let `latest.pth` in the folder of `path` stand for it, replaced in one step."""
    link = path.with_name(LATEST)
    temporary = path.with_name(f'.{LATEST}.{os.getpid()}.tmp')
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(path.name)
        os.replace(temporary, link)
    except OSError:
        # Some file systems know no links.
        with atomic_path(link) as copy:
            shutil.copyfile(path, copy)
    finally:
        temporary.unlink(missing_ok=True)


def select_branch(
    state_dict: Mapping[str, torch.Tensor], branch: Branch | None
) -> dict[str, torch.Tensor]:
    """Pick one network's entries out of a state dict.

    Args:
        state_dict: Entries, of a plain segmentor or of a self-training model.
        branch: 'model' for the student, 'ema_model' for the teacher, None for everything.

    Returns:
        Entries without wrapper (`module.`) and branch prefixes. A plain segmentor's entries are
        taken as the student's.

    Raises:
        UserError: The teacher is asked for and the state dict has none.
    """
    entries = _strip_prefix(state_dict, 'module.')
    if branch is None:
        return entries
    chosen = {key: value for key, value in entries.items() if key.startswith(f'{branch}.')}
    if chosen:
        return _strip_prefix(_strip_prefix(chosen, f'{branch}.'), 'module.')
    if branch == 'ema_model':
        raise UserError(
            "this checkpoint holds no teacher (no 'ema_model.' entries); evaluate the student"
        )
    return entries


def load_state_dict(
    model: nn.Module,
    state_dict: Mapping[str, torch.Tensor],
    source: str | Path,
    leave_out: Sequence[str] = (),
) -> None:
    """Load a state dict that must fit the model exactly.

    Args:
        model: Network to fill.
        state_dict: Its entries.
        source: Where they come from, for the message.
        leave_out: Entries that need not fit and are not loaded: names, the starts of names up to a
            dot, or patterns such as '*.conv_seg'.

    Raises:
        UnfitWeightsError: Entries are missing, unexpected or of another shape; at most ten are
            listed.
        UserError: Nothing is as `leave_out` says.
    """
    expected, state_dict = model.state_dict(), in_own_names(model, state_dict)
    left = _matched(leave_out, [*expected, *state_dict])
    kept = {key: value for key, value in state_dict.items() if key not in left}
    differences = compare_state_dicts({k: v for k, v in expected.items() if k not in left}, kept)
    if differences:
        listed = '; '.join(differences[:_MAX_LISTED_KEYS])
        more = len(differences) - _MAX_LISTED_KEYS
        raise UnfitWeightsError(
            f'{_number_of_scales(expected, kept, source)}'
            f'{source} does not fit this model (other architecture or class count?), '
            f'{len(differences)} entries differ: {listed}' + (f'; and {more} more' * (more > 0))
        )
    model.load_state_dict({**{k: v for k, v in expected.items() if k in left}, **kept})


def _number_of_scales(expected: Iterable[str], found: Iterable[str], source: str | Path) -> str:
    """Say that one of two networks sees two scales and the other one, where that is so."""
    wanted, held = (
        any(key.startswith(_HEAD_OF_TWO_SCALES) for key in keys) for keys in (expected, found)
    )
    if wanted == held or not any(key.startswith(_HEAD) for key in found):
        return ''
    one, two = 'one scale', 'two scales (HRDA)'
    kind = 'HRDAEncoderDecoder' if held else 'EncoderDecoder'
    return (
        f'{source} holds a network of {two if held else one} and this config has '
        f'{two if wanted else one}: take the config that lies beside it, of '
        f"model.type='{kind}'. "
    )


def how_to_leave_out(
    model: nn.Module, state_dict: Mapping[str, torch.Tensor], leave_out: Sequence[str] = ()
) -> str:
    """Say how a training can begin with those weights that fit, where most of them do.

    Args:
        model: Network to fill.
        state_dict: Entries that don't fit it.
        leave_out: What is left out already.

    Returns:
        The end of a message, naming options; empty where too little fits.
    """
    expected, found = model.state_dict(), in_own_names(model, state_dict)
    fitting = {k for k, v in expected.items() if k in found and found[k].shape == v.shape}
    unlike = [key for key in {**expected, **found} if key not in fitting]
    starts = dict.fromkeys(_shortest_start(key, fitting) for key in unlike)
    if len(starts) > _MAX_OPTIONS:
        starts = dict.fromkeys(key.partition('.')[0] for key in unlike)
    is_encoder_there = any(key.startswith(_ENCODER) for key in fitting)
    if not is_encoder_there or any(f'{start}.'.startswith(_ENCODER) for start in starts):
        return ''
    options = ' '.join(f'--except {start}' for start in [*leave_out, *starts])
    return f'. To begin with the rest of its weights: {options} (load_except in a config)'


def _shortest_start(key: str, others: Iterable[str]) -> str:
    """Return the shortest start of a name, up to a dot, that none of the others has."""
    words = key.split('.')
    starts = ['.'.join(words[:number]) for number in range(1, len(words))]
    taken = {other[: len(s)] for s in starts for other in others if other.startswith(f'{s}.')}
    return next((start for start in starts if start not in taken), key)


def _matched(patterns: Sequence[str], keys: Sequence[str]) -> set[str]:
    """Return the names that patterns stand for; each must stand for one at least."""
    matched: set[str] = set()
    for pattern in patterns:
        own = {
            key
            for key in keys
            if f'{key}.'.startswith(f'{pattern}.')
            or fnmatchcase(key, pattern)
            or fnmatchcase(key, f'{pattern}.*')
        }
        if not own:
            starts = {'.'.join(key.split('.')[:n]) for key in keys for n in range(1, 4)}
            raise UserError(f'--except {pattern} matches no entry; {nearest(pattern, starts)}')
        matched |= own
    return matched


def in_own_names(
    model: nn.Module, state_dict: Mapping[str, torch.Tensor]
) -> Mapping[str, torch.Tensor]:
    """Rename entries that parts of a model know under the names of other projects.

    Args:
        model: Its modules may have `in_own_names`, which maps a state dict to the module's names.
        state_dict: Entries of the model.
    """
    for name, module in model.named_modules():
        if hasattr(module, 'in_own_names'):
            prefix = f'{name}.' if name else ''
            own = {k.removeprefix(prefix): v for k, v in state_dict.items() if k.startswith(prefix)}
            others = {k: v for k, v in state_dict.items() if not k.startswith(prefix)}
            renamed = module.in_own_names(own)
            if renamed is not own:
                state_dict = others | {f'{prefix}{key}': v for key, v in renamed.items()}
    return state_dict


def compare_state_dicts(
    expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]
) -> list[str]:
    """Describe every entry that differs, other shapes first: they tell the most."""
    shapes = [
        f'{key} is {_shape(found[key])}, expected {_shape(value)}'
        for key, value in expected.items()
        if key in found and found[key].shape != value.shape
    ]
    missing = [f'{key} is missing' for key in expected if key not in found]
    unexpected = [f'{key} is not known here' for key in found if key not in expected]
    return shapes + missing + unexpected


def load_checkpoint(
    model: nn.Module, path: str | Path, branch: Branch | None = 'model', trust: bool = False
) -> dict[str, Any]:
    """Load weights from a file into a model that they must fit exactly.

    Args:
        model: Network to fill: a segmentor, or with `branch=None` a whole self-training model.
        path: Checkpoint file; plain, mmsegmentation's, DAFormer's, DIDA's or ours.
        branch: 'model' for the student's weights, 'ema_model' for the teacher's, None for all.
        trust: Whether the file may run code, as for `read_checkpoint`.

    Returns:
        The file's content; its 'meta' holds class names, palette, config text, iteration.

    Raises:
        UserError: No such file, an unreadable one, or one for another network.
    """
    checkpoint = read_checkpoint(path, trust)
    load_state_dict(model, select_branch(checkpoint['state_dict'], branch), path)
    return checkpoint


def _complete_meta(model: nn.Module, meta: Mapping[str, Any]) -> dict[str, Any]:
    classes, palette = getattr(model, 'CLASSES', None), getattr(model, 'PALETTE', None)
    complete: dict[str, Any] = {'git_revision': git_revision(), 'time': time.asctime()}
    if classes is not None:
        complete['CLASSES'] = [str(name) for name in classes]
    if palette is not None:
        complete['PALETTE'] = np.asarray(palette).tolist()
    return complete | dict(meta)


def _strip_prefix(entries: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    if not all(key.startswith(prefix) for key in entries):
        return dict(entries)
    return {key.removeprefix(prefix): value for key, value in entries.items()}


def _shape(tensor: torch.Tensor) -> str:
    return '×'.join(map(str, tensor.shape)) or 'scalar'


def _free_space(folder: Path) -> str:
    try:
        return f'{shutil.disk_usage(folder).free / 1024**3:.2f} GiB are free there'
    except OSError:
        return 'the folder cannot be reached'
