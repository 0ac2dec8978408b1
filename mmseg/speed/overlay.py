"""Laying what is quicker over networks as they are written down."""

from collections.abc import Callable, Iterator

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from torch import nn

from mmseg.core.settings import SpeedSettings
from mmseg.models.backbones.mit_layers import Block
from mmseg.models.decode_heads import DepthwiseSeparableASPPHead, SegFormerHead
from mmseg.models.decode_heads.aspp import ASPPModule, ASPPWrapper

from .compiling import compile_networks
from .cpu.layers import PointwiseConv, QuickLinear, SeparableConv, ThriftyBlock, WideConv
from .interaction import compute_leanly
from .pyramid import JoinedPyramid

# A layer of exactly this class becomes one of a subclass of it. What others have derived from it
# is theirs.
_ON_ANY_DEVICE: dict[type[nn.Module], type[nn.Module]] = {ASPPModule: JoinedPyramid}
_ON_CPUS = {nn.Linear: QuickLinear, DepthwiseSeparableConvModule: SeparableConv}


def quicken(model: nn.Module, device: torch.device, settings: SpeedSettings) -> nn.Module:
    """Make a model, in place, quicker than it is written down, and equal.

    Layers change their class: parameters, state dict, names and hooks of modules stay as they are,
    and so does what copies, averages or pickles them. A layer inside another that runs as one is
    not called by itself. The instance level takes the lean forms of its equations. Doing it again
    changes nothing.

    Args:
        model: A segmentor, or a method of adaptation with several.
        device: Where it is, or will be, run.
        settings: What to do.

    Returns:
        The model.

    Raises:
        UserError: Compiling was asked for, and there is no C++ compiler.
    """
    if settings.channels_last:
        # PyTorch types this call from 2.14 on.
        to: Callable[..., nn.Module] = model.to
        to(memory_format=torch.channels_last)
    if settings.compile:
        # The compiler knows PyTorch's own layers best.
        compile_networks(model)
    elif settings.speed == 'auto':
        for layer, quick in list(_replacements(model, device, settings.recompute == 'auto')):
            layer.__class__ = quick
    if settings.speed == 'auto':
        compute_leanly(model)
    return model


def _replacements(
    model: nn.Module, device: torch.device, recompute: bool
) -> Iterator[tuple[nn.Module, type[nn.Module]]]:
    """Yield the layers that change, each with its new class."""
    by_class = dict(_ON_ANY_DEVICE)
    is_cpu = device.type == 'cpu'
    if is_cpu:
        by_class |= _ON_CPUS
    if is_cpu and recompute:
        by_class[Block] = ThriftyBlock
    for module in model.modules():
        if type(module) in by_class:
            yield module, by_class[type(module)]
        if is_cpu:
            yield from _convolutions(module)


def _convolutions(parent: nn.Module) -> Iterator[tuple[nn.Module, type[nn.Module]]]:
    """Yield those convolutions of a layer or head whose numbers of channels make it worth while."""
    layers: list[nn.Module | None] = []
    if isinstance(parent, ASPPModule):
        layers = [branch for branch in parent if isinstance(branch, ConvModule)]
    elif isinstance(parent, DepthwiseSeparableASPPHead):
        layers = [parent.c1_bottleneck]
    elif isinstance(parent, SegFormerHead):
        layers = [parent.linear_fuse]
    elif isinstance(parent, ASPPWrapper) and type(parent.bottleneck.conv) is nn.Conv2d:
        yield parent.bottleneck.conv, WideConv
    for layer in layers:
        if layer is not None and type(layer.conv) is nn.Conv2d and layer.conv.kernel_size == (1, 1):
            yield layer.conv, PointwiseConv
