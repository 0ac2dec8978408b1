"""Optimizers over the parameters that learn, and how gradients become their steps."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch
from mmcv.runner import HOOKS, OPTIMIZERS
from mmcv.runner import build_optimizer as build_mmcv_optimizer
from mmcv.runner.optimizer import default_constructor
from torch import nn

from mmseg.core.adaptation import student_of
from mmseg.core.building import accepted_keywords, build_from_cfg, nearest
from mmseg.core.hooks import OptimizerHook
from mmseg.utils.errors import UserError

# What mmcv's constructor reads, and layer_decay, which is read here.
_PARAMWISE = (
    'bias_decay_mult',
    'bias_lr_mult',
    'bypass_duplicate',
    'custom_keys',
    'dcn_offset_lr_mult',
    'dwconv_decay_mult',
    'layer_decay',
    'norm_decay_mult',
)
_CUSTOM = ('decay_mult', 'lr_mult')

# mmcv's constructor asks pkgutil.find_loader, which Python 3.14 took out.
default_constructor.check_ops_exist = lambda: find_spec('mmcv._ext') is not None


def build_optimizer(model: nn.Module, cfg: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Build an optimizer with mmcv's per-parameter settings (`paramwise_cfg`).

    Only the student of a self-training model is optimised, and only parameters that require
    gradients. Parameters with equal settings share a group, so that a step takes few kernels; it
    is fused into one kernel a group where PyTorch can and the config does not say otherwise.

    Args:
        model: Segmentor or self-training model.
        cfg: `type`, its arguments, and `paramwise_cfg`. Beside mmcv's settings it takes
            `layer_decay` in (0, 1]: the learning rate of a block of the encoder is that of the
            block after it times so much (Bao et al., BEiT, ICLR 2022, section A.2).

    Returns:
        The optimizer.

    Raises:
        UserError: The type or an argument is not known, or the encoder has no blocks to tell apart.
    """
    student = student_of(model)
    _check(cfg)
    paramwise = dict(cfg.get('paramwise_cfg') or {})
    layer_decay = paramwise.pop('layer_decay', 1)
    try:
        optimizer = build_mmcv_optimizer(student, {**cfg, 'paramwise_cfg': paramwise or None})
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f'optimizer: {error}') from error
    groups: list[dict[str, Any]] = optimizer.param_groups
    if layer_decay != 1:
        groups = _with_layer_decay(groups, student, layer_decay)
    groups = _merged(groups)
    return type(optimizer)(groups, **{**_fused(type(optimizer), groups), **_defaults(cfg)})


def build_optimizer_hook(cfg: Mapping[str, Any] | None) -> OptimizerHook:
    """Build what `optimizer_config` says, for training with and without adaptation alike.

    Args:
        cfg: `type` ('OptimizerHook' unless given, or 'GradientCumulativeOptimizerHook') and its
            arguments; None and {} take a step every iteration, with the gradients as they are.

    Returns:
        The hook.

    Raises:
        UserError: The type is none of these, or an argument is not known.
    """
    settings = {'type': 'OptimizerHook', **(cfg or {})}
    factory = HOOKS.get(settings['type']) if isinstance(settings['type'], str) else None
    if factory is None or not issubclass(factory, OptimizerHook):
        known = [
            name for name, hook in HOOKS.module_dict.items() if issubclass(hook, OptimizerHook)
        ]
        raise UserError(
            f'optimizer_config.type: {settings["type"]!r} is none that is heeded here; '
            f'{nearest(str(settings["type"]), known)}'
        )
    return build_from_cfg(settings, HOOKS)


def _check(cfg: Mapping[str, Any]) -> None:
    kind = str(cfg.get('type'))
    factory = OPTIMIZERS.get(kind)
    if factory is None:
        raise UserError(f'there is no optimizer {kind!r}; {nearest(kind, OPTIMIZERS.module_dict)}')
    if cfg.get('constructor', 'DefaultOptimizerConstructor') == 'DefaultOptimizerConstructor':
        _check_paramwise(cfg.get('paramwise_cfg') or {})
    known = accepted_keywords(factory)
    for key in _defaults(cfg):
        if known is not None and key not in known:
            raise UserError(f'optimizer {kind} has no setting {key!r}; {nearest(key, known)}')


def _check_paramwise(paramwise: Mapping[str, Any]) -> None:
    """Refuse what mmcv's constructor would pass over without a word."""
    for key in paramwise:
        if key not in _PARAMWISE:
            hint = nearest(key, _PARAMWISE)
            raise UserError(f'optimizer.paramwise_cfg has no setting {key!r}; {hint}')
    decay = paramwise.get('layer_decay', 1)
    if not isinstance(decay, int | float) or not 0 < decay <= 1:
        raise UserError(
            f'optimizer.paramwise_cfg.layer_decay: expected a number in (0, 1], got {decay!r}'
        )
    for name, settings in (paramwise.get('custom_keys') or {}).items():
        where = f'optimizer.paramwise_cfg.custom_keys.{name}'
        if not isinstance(settings, Mapping):
            raise UserError(f'{where}: expected a dict of lr_mult and decay_mult, got {settings!r}')
        for key in settings:
            if key not in _CUSTOM:
                raise UserError(f'{where} has no setting {key!r}; {nearest(key, _CUSTOM)}')


def unmatched_keys(model: nn.Module, cfg: Mapping[str, Any]) -> list[str]:
    """Return the custom keys that no parameter of a model has in its name.

    Args:
        model: Segmentor or self-training model.
        cfg: As for `build_optimizer`.
    """
    student = student_of(model)
    names = [name for name, _ in student.named_parameters()]
    keys = (cfg.get('paramwise_cfg') or {}).get('custom_keys') or {}
    return [key for key in keys if not any(key in name for name in names)]


def _defaults(cfg: Mapping[str, Any]) -> dict[str, Any]:
    apart = ('type', 'paramwise_cfg', 'constructor')
    return {key: value for key, value in cfg.items() if key not in apart}


def _fused(kind: type[torch.optim.Optimizer], groups: list[dict[str, Any]]) -> dict[str, bool]:
    """Ask for the fused form where the type has one that runs on these parameters' devices."""
    known = accepted_keywords(kind) or ()
    devices = {parameter.device.type for group in groups for parameter in group['params']}
    can_fuse = 'fused' in known and devices <= {'cpu', 'cuda'}
    return {'fused': True} if can_fuse else {}


def _with_layer_decay(
    groups: list[dict[str, Any]], student: nn.Module, decay: float
) -> list[dict[str, Any]]:
    """Give each parameter of the encoder a group whose learning rate falls with its depth."""
    encoder: Any = getattr(student, 'backbone', None)
    if not hasattr(encoder, 'depths'):
        raise UserError(
            f'optimizer.paramwise_cfg.layer_decay: {type(encoder).__name__} does not say how deep '
            'its layers lie; leave it out, or take a TimmBackbone'
        )
    depths = encoder.depths()
    above_last = max(depths.values()) + 1
    scale_of = {
        parameter: decay ** (above_last - depths[name])
        for name, parameter in encoder.named_parameters()
    }
    return [
        {**group, 'params': [parameter], 'lr': group['lr'] * scale_of.get(parameter, 1)}
        for group in groups
        for parameter in group['params']
    ]


def _merged(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join groups of equal settings; parameters that do not learn are left out."""
    by_settings: dict[tuple[float, float | None], list[nn.Parameter]] = {}
    for group in groups:
        settings = (group['lr'], group.get('weight_decay'))
        learning = [parameter for parameter in group['params'] if parameter.requires_grad]
        by_settings.setdefault(settings, []).extend(learning)
    return [
        {'params': parameters, 'lr': lr}
        | ({} if weight_decay is None else {'weight_decay': weight_decay})
        for (lr, weight_decay), parameters in by_settings.items()
        if parameters
    ]
