"""Low-rank adapters on attention (Hu et al., LoRA, ICLR 2022), by the package peft.

A layer's weight W learns nothing; α/r · B A is added to it, of rank r, and learns in its place.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from mmseg.utils.errors import UserError

_KEYS = ('rank', 'alpha', 'dropout')
_ADAPTER = 'lora_'
_BASE = 'base_layer'


def add_lora(encoder: nn.Module, name: str, settings: Mapping[str, Any]) -> None:
    """Put adapters on every linear layer of an encoder's attention, in place.

    All else of the encoder stops learning.

    Args:
        encoder: The encoder.
        name: What it is called.
        settings: `rank` r (8), `alpha` α (16) and `dropout` (0) before A, in [0, 1).

    Raises:
        UserError: peft is missing, the encoder has no attention, or a setting is none.
    """
    unknown = sorted(settings.keys() - {*_KEYS})
    if unknown:
        raise UserError(f'lora: expected the keys {", ".join(_KEYS)}, got {", ".join(unknown)}')
    rank, alpha = settings.get('rank', 8), settings.get('alpha', 16)
    dropout = settings.get('dropout', 0.0)
    if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
        raise UserError(
            'lora: expected a rank from 1, an alpha above 0 and a dropout in [0, 1), got '
            f'{rank}, {alpha} and {dropout}'
        )
    targets = [
        path
        for path, module in encoder.named_modules()
        if isinstance(module, nn.Linear) and 'attn' in path.split('.')
    ]
    if not targets:
        raise UserError(f'lora: {name} has no attention of linear layers to adapt')
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise UserError(
            "lora needs the package peft, which is missing: pip install 'peft>=0.21,<0.22'"
        ) from error
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=targets)
    inject_adapter_in_model(config, encoder)


def load_under_lora(encoder: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Load the state of an encoder without adapters into one with, whose adapters stay."""
    own = encoder.state_dict()
    names = {name.replace(f'.{_BASE}.', '.'): name for name in own if _ADAPTER not in name}
    adapters = {name: value for name, value in own.items() if _ADAPTER in name}
    encoder.load_state_dict({**adapters, **{names[name]: state[name] for name in names}})


def merge_lora(model: nn.Module) -> nn.Module:
    """Add all adapters to the weights of their layers, in place; return the model.

    Layers are plain ones afterwards, with the names of an encoder without adapters.
    """
    for parent in [*model.modules()]:
        children: list[tuple[str, Any]] = [*parent.named_children()]
        for name, layer in children:
            if hasattr(layer, _BASE) and hasattr(layer, 'merge'):
                layer.merge()
                setattr(parent, name, layer.get_base_layer())
    return model
