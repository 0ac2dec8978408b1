"""Loading of weights that a backbone was pretrained with."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import nn

from mmseg.core.checkpoint import in_own_names, read_checkpoint
from mmseg.models.backbones.model_zoo import (
    SCHEME,
    cache_folder,
    timm_state,
    zoo_file,
    zoo_place,
)
from mmseg.models.builder import has_pretrained
from mmseg.utils.download import downloaded
from mmseg.utils.errors import UserError
from mmseg.utils.programs import how_to_call

_logger = logging.getLogger(__name__)
_MAX_KEYS_SHOWN = 10


def load_pretrained(backbone: nn.Module, path: str | None, drop: tuple[str, ...] = ()) -> bool:
    """Load the weights at `path` into `backbone`.

    Args:
        backbone: The network to fill.
        path: A file, an http(s) address or a name in the model zoo ('open-mmlab://...'); None for
            no weights.
        drop: Prefixes of entries that belong to other parts of the pretrained network.

    Returns:
        Whether weights were loaded; False, with a warning, where they cannot be had.

    Raises:
        UserError: The file is not a checkpoint of this architecture.
    """
    if path is None:
        return False
    state = _find_state(path)
    if state is None:
        _logger.warning(
            'pretrained weights %s not found%s: the backbone starts from random weights',
            path,
            _how_to_get(path),
        )
        return False
    state = {k: v for k, v in state.items() if not k.startswith(drop)}
    state = dict(in_own_names(backbone, state))
    expected = backbone.state_dict()
    # files from before PyTorch 0.4.1 do not count batches
    counters = {k: v for k, v in expected.items() if k.endswith('num_batches_tracked')}
    state = {**counters, **state}
    _check_state(state, expected, path)
    backbone.load_state_dict(state)
    return True


def _find_state(path: str) -> dict[str, torch.Tensor] | None:
    if path.startswith(SCHEME):
        file = zoo_file(path)
        return timm_state(path) if file is None else plain_state(read_checkpoint(file))
    return _read_state(path) if has_pretrained(path) else None


def _how_to_get(path: str) -> str:
    if path.startswith(SCHEME):
        address, file = zoo_place(path)
        return f' (neither the model zoo nor timm offers them now; download {address} to {file})'
    if re.fullmatch(r'mit_b[0-5]\.pth', Path(path).name):
        program, script = (f'tools/download_checkpoints.{end}' for end in ('py', 'sh'))
        return f' (get them with: {how_to_call(program, "--only", Path(path).stem, script=script)})'
    return ''


def _read_state(path: str) -> dict[str, torch.Tensor]:
    try:
        file = path
        if '://' in path:
            file = str(downloaded(path, cache_folder() / Path(urlsplit(path).path).name))
        checkpoint = torch.load(file, map_location='cpu', weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f'{path} cannot be read as a checkpoint: {reason}') from error
    if not isinstance(checkpoint, Mapping):
        raise UserError(f'{path} holds a {type(checkpoint).__name__}, not weights by name')
    return plain_state(checkpoint)


def plain_state(checkpoint: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Unpack what training tools wrap around the state dict of a backbone.

    Args:
        checkpoint: Weights by name, perhaps among other things ('state_dict', 'model', 'teacher'),
            perhaps with others than the backbone's.

    Returns:
        The backbone's weights, as far as names tell them from others.
    """
    for key in ('state_dict', 'model', 'teacher'):
        if isinstance(checkpoint.get(key), Mapping):
            checkpoint = checkpoint[key]
    state = {key.removeprefix('module.'): value for key, value in checkpoint.items()}
    if any(key.startswith('backbone.') for key in state):
        state = {k.removeprefix('backbone.'): v for k, v in state.items() if k[:9] == 'backbone.'}
    return state


def _check_state(
    state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], path: str
) -> None:
    if not any(key in expected for key in state):
        first = next(iter(state), 'nothing at all')
        raise UserError(
            f'{path} holds another architecture: none of its {len(state)} entries is one of this '
            f'backbone, the first is {first}'
        )
    problems = [
        f'{key} is {tuple(state[key].shape)} where {tuple(value.shape)} is expected'
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    problems += [f'{key} is missing' for key in expected if key not in state]
    problems += [f'{key} is not part of this backbone' for key in state if key not in expected]
    if problems:
        more = len(problems) - _MAX_KEYS_SHOWN
        shown = '; '.join(problems[:_MAX_KEYS_SHOWN]) + (f'; and {more} more' if more > 0 else '')
        raise UserError(f'{path} holds another architecture: {shown}')
