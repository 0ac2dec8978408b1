"""Whether all that knows classes knows the same ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from mmcv.utils import Config

from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.evaluation import class_difference
from mmseg.core.settings import CheckpointSettings
from mmseg.utils.errors import UserError

from .run import Finding, Findings, RunUnderCheck

_NAMED = 5


def heads_fit_classes(run: RunUnderCheck) -> Findings:
    """Compare the outputs and class weights of every head with the data set's classes."""
    classes = run.dataset.CLASSES
    if classes is None:
        return
    for name, head in run.heads.items():
        if head.num_classes != len(classes):
            yield Finding('error', _other_count(name, head.num_classes, classes))
        weights = getattr(getattr(head, 'loss_decode', None), 'class_weight', None)
        if weights is not None and len(weights) != len(classes):
            yield Finding(
                'error',
                f'model.{name}.loss_decode.class_weight has {len(weights)} numbers for '
                f'{len(classes)} classes: give one a class',
            )


def check_num_classes(cfg: Config, dataset: Any) -> None:
    """Compare the config's heads with the data set's classes, before a network is built of them.

    What is built may fail of the wrong number with another word.

    Raises:
        UserError: As `heads_fit_classes` says it.
    """
    for key in ('decode_head', 'auxiliary_head'):
        heads = cfg.model.get(key) or []
        for index, head in enumerate(heads if isinstance(heads, list | tuple) else [heads]):
            name = f'{key}[{index}]' if isinstance(heads, list | tuple) else key
            number = head.get('num_classes') if isinstance(head, Mapping) else None
            if isinstance(number, int) and number != len(dataset.CLASSES or range(number)):
                raise UserError(_other_count(name, number, dataset.CLASSES))


def sets_agree_on_classes(run: RunUnderCheck) -> Findings:
    """Compare the class names of training, validation and test set, and what label 0 means."""
    ours = {f'data.train ({type(run.source).__name__})': run.dataset.CLASSES}
    # A run that does not evaluate can do without the others; a test of them refuses by itself.
    severity: Literal['error', 'warning'] = 'error' if run.validate else 'warning'
    reduced = getattr(run.source, 'reduce_zero_label', None)
    for name, dataset in (('data.val', run.val), ('data.test', run.test)):
        if dataset is None:
            continue
        sides = {**ours, f'{name} ({type(dataset).__name__})': dataset.CLASSES}
        difference = class_difference(sides)
        if difference is not None:
            yield Finding(severity, difference)
        if getattr(dataset, 'reduce_zero_label', reduced) != reduced and reduced is not None:
            yield Finding(
                severity,
                f'reduce_zero_label is {reduced} in data.train and {not reduced} in {name}: labels '
                f'would differ by one; set {name}.reduce_zero_label={reduced}',
            )


def checkpoint_agrees_on_classes(run: RunUnderCheck) -> Findings:
    """Compare the class names of a checkpoint that is gone on from with the data set's."""
    ours = {f'data.train ({type(run.source).__name__})': run.dataset.CLASSES}
    start = CheckpointSettings.of(run.cfg)
    for key, path in (('resume_from', start.resume_from), ('load_from', start.load_from)):
        names = None if path is None else checkpoint_classes(path)
        difference = class_difference({**ours, f'the checkpoint {path} ({key})': names})
        is_told_anyway = names is not None and len(names) != len(run.dataset.CLASSES or names)
        # Of another number of classes loading tells, and how to take the other weights.
        if difference is not None and not (key == 'load_from' and is_told_anyway):
            yield Finding('error' if key == 'resume_from' else 'warning', difference)


def checkpoint_classes(path: str | Path) -> Sequence[str] | None:
    """Return the class names in a checkpoint; None where it holds none.

    Raises:
        UserError: There is no such file.
    """
    try:
        # Mapped into memory: the weights are left on the disk.
        content: Any = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
    except Exception:
        content = _read(path)
    meta = content.get('meta') if isinstance(content, dict) else None
    names = meta.get('CLASSES') if isinstance(meta, dict) else None
    return list(names) if isinstance(names, list | tuple) else None


def _read(path: str | Path) -> Any:
    """Read a file of an older form; what is wrong with one that is there is told by loading it."""
    if not Path(path).is_file():
        raise UserError(f'no checkpoint file at {path}; give the path of a .pth file')
    try:
        return read_checkpoint(path)
    except UserError:
        return None


def _other_count(head: str, num_classes: int, classes: Sequence[str]) -> str:
    return (
        f'model.{head}.num_classes is {num_classes} and the data set has {len(classes)} classes '
        f'({_shortened(classes)}): set model.{head}.num_classes={len(classes)}'
    )


def _shortened(names: Sequence[str]) -> str:
    return ', '.join(map(str, names[:_NAMED])) + ', …' * (len(names) > _NAMED)
