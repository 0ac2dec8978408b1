"""Compiling networks region by region: code starts early and repeated blocks share it."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from mmseg.models.backbones.mit_layers import Block
from mmseg.models.backbones.resnet_blocks import ResidualBlock
from mmseg.models.decode_heads import BaseDecodeHead
from mmseg.utils.errors import UserError

# One function serves the stages of three networks, with and without gradients, and test images.
_MAX_VARIANTS = 64


def compile_networks(model: nn.Module, backend: str = 'inductor') -> int:
    """Compile the blocks of all encoders and the layers of all decoders in a model, in place.

    Whole networks would give the compiler more to fuse, but MiT-B5 alone has 52 blocks, each of
    which it would compile anew, three times over. Nothing is compiled before it is first used;
    weights and state dict stay as they are. Sizes are compiled in: images of another size take
    another compilation. Dropout draws other numbers than in eager mode, from the same seeds.

    Args:
        model: A segmentor, or a self-training model with several.
        backend: Of `torch.compile`.

    Returns:
        The number of regions.

    Raises:
        UserError: There is no C++ compiler, which the backend needs.
    """
    if backend == 'inductor' and not has_compiler():
        raise UserError('compile=True needs a C++ compiler: install g++ or set compile=False')
    torch._dynamo.config.recompile_limit = _MAX_VARIANTS
    regions = list(_regions(model))
    for region in regions:
        if isinstance(region, Block):
            compile_block(region, backend=backend, dynamic=False)
        else:
            region.compile(backend=backend, dynamic=False)
    return len(regions)


def compile_block(block: Block, **options: Any) -> None:
    """Compile both branches of a transformer layer, with the options of `torch.compile`.

    The drop ratio, which differs from block to block, stays outside: so the blocks of a stage share
    their code, and one of them is compiled instead of all.
    """
    for name in ('attend', 'feed'):
        setattr(block, name, torch.compile(getattr(block, name), **options))


def has_compiler() -> bool:
    """Say whether there is a C++ compiler, which compiled code is launched from on any device."""
    names = (os.environ.get('CXX'), 'g++', 'clang++', 'c++')
    return any(name and shutil.which(name) for name in names)


def _regions(model: nn.Module) -> Iterator[nn.Module]:
    for module in model.modules():
        if isinstance(module, Block | ResidualBlock):
            yield module
        elif isinstance(module, BaseDecodeHead):
            yield from _layers(module)


def _layers(parent: nn.Module) -> Iterator[nn.Module]:
    """Find a head's layers, also those that it keeps in lists and dicts."""
    for layer in parent.children():
        if isinstance(layer, nn.ModuleList | nn.ModuleDict):
            yield from _layers(layer)
        elif any(True for _ in layer.parameters()) and not isinstance(layer, nn.Conv2d):
            yield layer
