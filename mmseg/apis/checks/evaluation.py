"""Whether the validation set can be evaluated on by the metrics that are asked for."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.datasets.collating import collate_alike
from mmseg.datasets.indexed_images import IndexedImages
from mmseg.utils.errors import UserError

from ..evaluation import evaluation_settings
from ..loader import DeviceLoader
from .run import Finding, Findings, RunUnderCheck

_NUM_LABELS = 8


def val_can_be_evaluated(run: RunUnderCheck) -> Findings:
    """Look for labels in the validation set, of which a few count, and for the metrics."""
    if run.val is None:
        return
    evaluation_settings(run.cfg, run.val)
    spread = np.linspace(0, len(run.val) - 1, min(_NUM_LABELS, len(run.val)))
    indices = [int(index) for index in spread.round()]
    ignored = (run.val.ignore_index, IGNORE_INDEX)
    if all(np.isin(run.val.get_gt_seg_map(index), ignored).all() for index in indices):
        yield Finding(
            'warning',
            f'data.val: all pixels are ignored in the {len(indices)} of {len(run.val)} label maps '
            f'in {run.val.ann_dir} that were read; with labels like these nothing can be evaluated',
        )


def val_gives_views(run: RunUnderCheck) -> Findings:
    """Read two validation images as an evaluation does, and look at what the network gets."""
    if run.val is None or not run.val.has_labels:
        return
    images = IndexedImages(run.val, with_labels=True)
    for index in sorted({0, len(images) - 1}):
        try:
            sample = images[index]
        except UserError as error:
            yield Finding('error', f'data.val: {error}')
            return
        try:
            (batch,) = DeviceLoader([collate_alike([sample])], 'cpu')
        except LookupError:
            batch = {}
        problem = _problem(batch, run.num_channels)
        if problem is not None:
            yield Finding('error', f'data.val: {problem}')
            return


def _problem(batch: Mapping[str, Any], num_channels: int) -> str | None:
    views = batch.get('img')
    if not isinstance(views, list) or not all(_is_picture(view, num_channels) for view in views):
        return (
            f'its pipeline must make views that are tensors of {num_channels} channels, as in '
            'training: end it with MultiScaleFlipAug, and that with Normalize, ImageToTensor and '
            'Collect of img'
        )
    sizes = {tuple(meta['ori_shape'][:2]) for metas in batch['img_metas'] for meta in metas}
    height, width = batch['labels'].shape[-2:]
    if sizes != {(height, width)}:
        name = batch['img_metas'][0][0].get('filename')
        other = ', '.join(f'{size[1]}×{size[0]}' for size in sizes)
        return f'image and label differ in size: {name} is {other}, its label {width}×{height}'
    return None


def _is_picture(view: Any, num_channels: int) -> bool:
    return (
        isinstance(view, torch.Tensor)
        and view.ndim == 4
        and view.shape[1] == num_channels
        and view.is_floating_point()
    )
