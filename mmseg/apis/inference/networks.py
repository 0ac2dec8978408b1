"""Trained networks, ready to be asked, and the data sets that they fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.utils import Config

from mmseg.apis.config import load_config
from mmseg.core.checkpoint import Branch, load_state_dict, select_branch
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.evaluation import are_numbers, check_same_classes, get_classes, get_palette
from mmseg.core.settings import SpeedSettings
from mmseg.core.windows import training_crop, with_windows
from mmseg.models import build_segmentor
from mmseg.speed import quicken
from mmseg.utils.errors import UserError

from .onnx_network import OnnxSegmentor

_HEAD = 'the head (model.decode_head.num_classes)'


def init_segmentor(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device = 'cuda:0',
    branch: Branch = 'model',
    trust_checkpoint: bool = False,
) -> Any:
    """Build a segmentor and load its weights.

    Args:
        config: Config, or the path of one.
        checkpoint: File with its weights, or None for random ones; an ONNX file, by its suffix
            .onnx, takes the place of the network.
        device: Where the model goes.
        branch: 'model' for the student's weights, 'ema_model' for the teacher's.
        trust_checkpoint: Whether the file may run code.

    Returns:
        The segmentor in eval mode, with `cfg`, `CLASSES`, `PALETTE` and, as `trained_classes`, the
        names that the checkpoint holds (None where it is silent) under what it is called.

    Raises:
        UserError: The config or the checkpoint can't be used, or they differ in their classes.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    model_cfg = {**cfg.model, 'pretrained': None}
    test_cfg = with_windows(cfg.get('test_cfg') or model_cfg.get('test_cfg'), training_crop(cfg))
    if checkpoint is not None and Path(checkpoint).suffix == '.onnx':
        return _onnx_segmentor(cfg, checkpoint, test_cfg, device, branch)
    model = build_segmentor(model_cfg, cfg.get('train_cfg'), test_cfg)
    meta: dict[str, Any] = {}
    model.trained_classes = {}
    if checkpoint is not None:
        content = read_checkpoint(checkpoint, trust_checkpoint)
        meta = content.get('meta') or {}
        model.trained_classes = {f'the checkpoint {checkpoint}': meta.get('CLASSES')}
        check_same_classes({**model.trained_classes, _HEAD: model.num_classes})
        load_state_dict(model, select_branch(content['state_dict'], branch), checkpoint)
    model.cfg = cfg
    model.CLASSES, model.PALETTE = _names_and_colours(meta, model_cfg['decode_head']['num_classes'])
    model.to(device).eval()
    return quicken(model, torch.device(device), SpeedSettings.of(cfg).for_few_passes())


def _onnx_segmentor(
    cfg: Config,
    path: str | Path,
    test_cfg: dict[str, Any],
    device: str | torch.device,
    branch: Branch,
) -> Any:
    """Open a network in an ONNX file, with what `init_segmentor` promises."""
    if branch != 'model':
        raise UserError(f'{path} holds one network: leave --ema out, it was chosen when exporting')
    model: Any = OnnxSegmentor(path, test_cfg)
    model.trained_classes = {f'the ONNX file {path}': model.CLASSES}
    meta = {'CLASSES': model.CLASSES, 'PALETTE': model.PALETTE}
    model.CLASSES, model.PALETTE = _names_and_colours(meta, model.num_classes)
    model.cfg = cfg
    return model.to(device).eval()


def match_classes(model: Any, dataset: Any, name: str = 'data.test') -> None:
    """Compare a network's classes with those of a data set that it is about to be tested on.

    A data set that does not know what its classes are called takes the network's names.

    Args:
        model: From `init_segmentor`.
        dataset: The data set.
        name: Where it stands in the config.

    Raises:
        UserError: Checkpoint, head and data set differ in number, names or order of classes.
    """
    of_dataset = {f'the data set {type(dataset).__name__} ({name})': dataset.CLASSES}
    check_same_classes({**model.trained_classes, _HEAD: model.num_classes, **of_dataset})
    if dataset.CLASSES is None or are_numbers(dataset.CLASSES):
        dataset.CLASSES, dataset.PALETTE = model.CLASSES, model.PALETTE


def _names_and_colours(
    meta: dict[str, Any], num_classes: int
) -> tuple[list[str], Sequence[Sequence[int]]]:
    """Names and colours of a checkpoint; those of Cityscapes where it is silent and they fit."""
    classes, palette = meta.get('CLASSES'), meta.get('PALETTE')
    if classes is None and num_classes == len(get_classes('cityscapes')):
        classes = get_classes('cityscapes')
    if palette is None and num_classes == len(get_classes('cityscapes')):
        palette = get_palette('cityscapes')
    drawn = np.random.default_rng(num_classes).integers(0, 256, (num_classes, 3)).tolist()
    # a palette may be shorter than the classes: every class is to have a colour
    palette = drawn if palette is None else [*palette, *drawn[len(palette) :]]
    return list(classes or map(str, range(num_classes))), palette
