"""The registries of models, and the functions that build from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch.distributed as dist
from mmcv.utils import Registry
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.core.building import accepted_keywords, build_from_cfg, check_contract
from mmseg.core.settings import DataSettings, RunnerSettings, RunSettings, TrainingSettings
from mmseg.core.windows import training_crop, with_windows
from mmseg.models.contracts import Backbone, DecodeHead, Neck
from mmseg.models.ignored_label import settle_ignore_index
from mmseg.utils.errors import UserError


def _build(
    cfg: Mapping[str, Any], registry: Registry, default_args: Mapping[str, Any] | None = None
) -> nn.Module:
    try:
        return build_from_cfg(_settle_norm(cfg), registry, default_args)
    except TypeError as error:
        # Layers of mmcv and PyTorch are built from what norm_cfg and the like hold.
        if 'got an unexpected keyword argument' not in str(error):
            raise
        raise UserError(
            f'{registry.name} {cfg["type"]}: {error}; look at its norm_cfg, act_cfg and conv_cfg'
        ) from error


BACKBONES = Registry('backbone', build_func=_build)
NECKS = Registry('neck', build_func=_build)
HEADS = Registry('decode head', build_func=_build)
LOSSES = Registry('loss', build_func=_build)
SEGMENTORS = Registry('segmentor', build_func=_build)
UDA = Registry('adaptation method', build_func=_build)
TERMS = Registry('term of adaptation', build_func=_build)


def build_backbone(cfg: Mapping[str, Any]) -> Any:
    """Build a backbone, such as `dict(type='mit_b5')`."""
    backbone = BACKBONES.build(cfg)
    check_contract(backbone, Backbone)
    return backbone


def build_neck(cfg: Mapping[str, Any]) -> Any:
    """Build a neck."""
    neck = NECKS.build(cfg)
    check_contract(neck, Neck)
    return neck


def build_head(cfg: Mapping[str, Any]) -> Any:
    """Build a decode head, such as `dict(type='DAFormerHead', ...)`."""
    head = HEADS.build(cfg)
    check_contract(head, DecodeHead)
    return head


def build_loss(cfg: Mapping[str, Any]) -> Any:
    """Build a loss, such as `dict(type='CrossEntropyLoss')`."""
    return LOSSES.build(cfg)


def build_term(cfg: Mapping[str, Any], student: nn.Module) -> Any:
    """Build a term of the adaptation's step, such as `dict(type='InstanceLevel', ...)`.

    Args:
        cfg: Its settings.
        student: The network that learns, the first argument of every term.
    """
    if 'student' in cfg:
        raise UserError('uda.terms: student is the network that learns, no setting')
    return TERMS.build(cfg, default_args={'student': student})


def build_segmentor(
    cfg: Mapping[str, Any],
    train_cfg: Mapping[str, Any] | None = None,
    test_cfg: Mapping[str, Any] | None = None,
) -> Any:
    """Build a segmentor.

    Args:
        cfg: The `model` part of a config.
        train_cfg: Takes the place of `cfg['train_cfg']` where given.
        test_cfg: Takes the place of `cfg['test_cfg']` where given.

    Returns:
        The network, its weights not yet initialised (`init_weights()` does that).
    """
    return SEGMENTORS.build(_with_phases(cfg, train_cfg, test_cfg))


def build_train_model(
    cfg: Mapping[str, Any],
    train_cfg: Mapping[str, Any] | None = None,
    test_cfg: Mapping[str, Any] | None = None,
) -> Any:
    """Build what is trained: the segmentor, or the adaptation method around it.

    Args:
        cfg: A whole config: `model`, and perhaps `uda` and `seed`.
        train_cfg: Takes the place of `cfg['model']['train_cfg']` where given.
        test_cfg: Takes the place of `cfg['model']['test_cfg']` where given.

    Returns:
        A module with `train_step(batch, optimizer)`; its heads ignore the label 255.

    Raises:
        UserError: A setting is not known, a head ignores another label than the data, or the method
            is no `AdaptationMethod`.
    """
    model = _with_phases(cfg['model'], train_cfg, test_cfg)
    if (model.get('test_cfg') or {}).get('mode') == 'slide':
        model['test_cfg'] = with_windows(model['test_cfg'], training_crop(cfg))
    model = settle_ignore_index(model, DataSettings.of(cfg).train)
    method = TrainingSettings.of(cfg).uda
    if not method:
        return build_segmentor(model)
    for key in ('model', 'seed'):
        if key in method:
            raise UserError(f'uda.{key} is read by nobody: give it as {key}, beside uda')
    settings = {'model': model, 'seed': RunSettings.of(cfg).seed}
    factory = UDA.get(str(method.get('type')))
    if factory is not None and accepted_keywords(factory) is None:
        # one that takes whatever there is, as DAFormer's, is told how long training will be
        settings['max_iters'] = RunnerSettings.of(cfg).max_iters
    built = UDA.build({**settings, **method})
    if not isinstance(built, AdaptationMethod):
        raise UserError(
            f'uda: {type(built).__name__} does not say what training may ask of it: let it be a '
            'mmseg.models.uda.AdaptationMethod, or DACS with another of its terms'
        )
    return built


def has_pretrained(path: str | None) -> bool:
    """Say whether there are weights at `path`: a file that exists, an address, or a source's name.

    The names are those that encoders of timm know: 'hub' and 'package'.
    """
    if path is None:
        return False
    return '://' in path or path in ('hub', 'package') or Path(path).is_file()


def _with_phases(
    model: Mapping[str, Any],
    train_cfg: Mapping[str, Any] | None,
    test_cfg: Mapping[str, Any] | None,
) -> dict[str, Any]:
    phases = {'train_cfg': train_cfg, 'test_cfg': test_cfg}
    return {**model, **{key: value for key, value in phases.items() if value is not None}}


def _settle_norm(cfg: Any) -> Any:
    """Copy `cfg` with BN for SyncBN outside distributed runs, where SyncBN cannot run."""
    if dist.is_available() and dist.is_initialized():
        return cfg
    if isinstance(cfg, Mapping):
        settled = {key: _settle_norm(value) for key, value in cfg.items()}
        return {**settled, 'type': 'BN'} if settled.get('type') == 'SyncBN' else settled
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(_settle_norm(value) for value in cfg)
    return cfg
