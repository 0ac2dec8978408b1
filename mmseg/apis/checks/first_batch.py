"""Whether a batch passes through the network.

Legend: B images, H×W the crop.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.core.settings import SpeedSettings, TrainingSettings
from mmseg.speed import quicken
from mmseg.utils.error_lines import error_line
from mmseg.utils.errors import UserError

from ..loader import DeviceLoader
from ..memory import TRAINING_KNOBS, explained_memory
from .preserving import left_as_it_was
from .run import Finding, Findings, RunUnderCheck

# On a CPU two images of a part of the crop: channels, classes and BatchNorm's needs are the same.
_NUM_IMAGES = 2
_SIDE = 256
# A part leaves over what the whole crop does when strides divide it.
_MULTIPLE = 64


def domains_fit_method(run: RunUnderCheck) -> Findings:
    """Compare what is trained on with what is trained: two domains are for adaptation."""
    kind = type(run.dataset).__name__
    has_method = bool(TrainingSettings.of(run.cfg).uda)
    if has_method and run.target is None:
        yield Finding(
            'error',
            f'uda is set, and data.train is one data set ({kind}): set it to '
            "dict(type='UDADataset', source=…, target=…), or leave uda out to train on it alone",
        )
    if not has_method and run.target is not None:
        yield Finding(
            'error',
            f'data.train is a {kind} of source and target, and uda is not set: set uda (or base '
            'the config on _base_/uda/dida.py), or give the source alone as data.train',
        )


def first_batch_passes(run: RunUnderCheck) -> Findings:
    """Pass the first batch through the network and its losses."""
    if not run.is_consistent:
        return
    (batch,) = DeviceLoader([run.raw_batch], run.device)
    problems = list(_sizes(batch))
    yield from (Finding('error', problem) for problem in problems)
    if not problems:
        problem = _pass(batch, run)
        if problem is not None:
            yield Finding('error', problem)


def _sizes(batch: Mapping[str, Any]) -> Iterator[str]:
    found: Any = [batch.get(key) for key in ('img', 'target_img', 'gt_semantic_seg')]
    source, target, labels = found
    for key, value in {'img': source, 'gt_semantic_seg': labels}.items():
        if not isinstance(value, torch.Tensor):
            yield f'the training pipeline collects no {key}: end it with Collect of both'
            return
    if labels.shape[-2:] != source.shape[-2:]:
        yield (
            f'images of {_size(source)} and labels of {_size(labels)} pixels come out of the '
            'training pipeline: every step that changes the size must change both'
        )
    if target is None:
        return
    if source.shape[-2:] != target.shape[-2:]:
        yield (
            f'source crops are {_size(source)} and target crops {_size(target)} pixels: class '
            'mixing lays one over the other; give RandomCrop and Pad of both pipelines one size'
        )
    if source.shape[1] != target.shape[1]:
        yield (
            f'source images have {source.shape[1]} channels and target images {target.shape[1]}: '
            'let LoadImageFromFile of both pipelines read the same (color_type)'
        )


def _pass(batch: Mapping[str, Any], run: RunUnderCheck) -> str | None:
    """Return what is wrong with a pass, None where all is well."""
    run.model.to(run.device)
    quicken(run.model, run.device, SpeedSettings.of(run.cfg).for_few_passes())
    if run.device.type == 'cpu' and any(map(_runs_on_gpus_only, run.model.modules())):
        return None
    with left_as_it_was(run.model):
        run.model.train()
        try:
            with explained_memory(run.device, TRAINING_KNOBS):
                _measure(batch, run)
        except UserError as error:
            return str(error)
        except Exception as error:
            return _explained(error, batch['img'], run)
        finally:
            if run.device.type == 'cuda':
                torch.cuda.reset_peak_memory_stats(run.device)
    return None


def _measure(batch: Mapping[str, Any], run: RunUnderCheck) -> None:
    """Pass the labelled images as a training step would."""
    takes_one_size = getattr(getattr(run.student, 'backbone', None), 'fixed_size', None) is not None
    img, labels = (
        _part(batch[key], run.device, whole=takes_one_size) for key in ('img', 'gt_semantic_seg')
    )
    measure = run.student.forward_train
    if isinstance(run.model, AdaptationMethod):
        measure = run.model.try_source
    measure(img, batch['img_metas'][: len(img)], labels)
    if run.device.type == 'cuda':
        torch.cuda.synchronize(run.device)


def _runs_on_gpus_only(module: nn.Module) -> bool:
    return isinstance(module, nn.SyncBatchNorm)


def _part(maps: torch.Tensor, device: torch.device, whole: bool) -> torch.Tensor:
    """Take what is passed of images or labels (B, *, H, W): all, or on a CPU two, whole or cut."""
    if device.type != 'cpu':
        return maps
    if whole:
        return maps[:_NUM_IMAGES]
    height, width = (min(side, _SIDE + side % _MULTIPLE) for side in maps.shape[-2:])
    return maps[:_NUM_IMAGES, ..., :height, :width].contiguous()


def _explained(error: Exception, images: torch.Tensor, run: RunUnderCheck) -> str:
    if 'more than 1 value per channel' in str(error):
        return (
            f'data.samples_per_gpu is {len(images)}, and BatchNorm of a branch that sees one value '
            'an image (pool=True, PSPHead, ASPPHead) needs at least 2 images: raise it, or set '
            "norm_cfg=dict(type='GN', num_groups=…) there"
        )
    channels = _input_channels(run.student)
    if channels not in (None, images.shape[1]):
        return (
            f'images have {images.shape[1]} channels and the backbone takes {channels}: let '
            f'LoadImageFromFile read {channels} (color_type, and a Normalize of as many), or give '
            'the backbone its in_channels'
        )
    shape = '×'.join(map(str, images.shape))
    return f'the first batch ({shape}) does not pass through the network: {error_line(error)}'


def _input_channels(network: Any) -> int | None:
    backbone = getattr(network, 'backbone', network)
    convs = (m for m in backbone.modules() if isinstance(m, nn.Conv2d))
    first = next(convs, None)
    return None if first is None else first.in_channels


def _size(maps: torch.Tensor) -> str:
    return f'{maps.shape[-1]}×{maps.shape[-2]}'
