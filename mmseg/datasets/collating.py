"""Making batches of samples."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmcv.parallel import DataContainer, collate
from torch.utils.data import default_collate

from mmseg.core.picture_box import PICTURE_BOX, PictureBox
from mmseg.ops.device_copies import writable_tensor
from mmseg.utils.errors import UserError

from .indexed_images import IndexedImage


class PinnableContainer(DataContainer):
    """mmcv's container, whose tensors a loader can put into page-locked memory."""

    def pin_memory(self) -> 'PinnableContainer':
        """Return a copy from which a GPU fetches without the processor's help."""
        pinned = [part.pin_memory() for part in self.data]
        return PinnableContainer(pinned, self.stack, self.padding_value)


def collate_batch(samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Join samples into one batch of mmcv's containers.

    Images of unequal size are padded on the right and at the bottom as `Pad` does, images with 0
    and labels as ignored; their facts say where the picture lies.

    Raises:
        UserError: Images that no padding makes alike.
    """
    for key in samples[0]:
        values = [sample[key] for sample in samples]
        tensors = [v.data if isinstance(v, DataContainer) and v.stack else v for v in values]
        if not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
            continue
        if len({tuple(tensor.shape) for tensor in tensors}) > 1:
            _prepare_unequal(samples, key, tensors)
    return _pinnable(collate(list(samples), samples_per_gpu=len(samples)))


def _prepare_unequal(
    samples: Sequence[Mapping[str, Any]], key: str, tensors: Sequence[torch.Tensor]
) -> None:
    """Refuse what cannot be padded, note where pictures will lie in what can."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    if not all(isinstance(sample[key], DataContainer) for sample in samples):
        raise UserError(
            f'{key!r} of one batch differs in size, {shapes}: end the pipeline with '
            'DefaultFormatBundle, which lets images be padded, or bring all to one size'
        )
    if len({shape[:-2] for shape in shapes}) > 1:
        raise UserError(
            f'{key!r} of one batch differs in its number of channels, {shapes}: read all images '
            "alike, LoadImageFromFile(color_type='color')"
        )
    for sample, shape in zip(samples, shapes, strict=True):
        metas = sample.get(f'{key}_metas')
        if metas is not None:
            metas.data.setdefault(PICTURE_BOX, PictureBox(0, 0, *shape[-2:]))


def collate_alike(samples: Sequence[IndexedImage]) -> list[dict[str, Any]]:
    """Join neighbours of one size into batches, in order.

    Returns:
        Batches as `collate_batch` makes them, with the dataset's `indices` (a list) and, where
        there are any, `labels` (B, H, W) uint8.
    """
    batches = []
    for _, alike in itertools.groupby(samples, lambda sample: sample.sizes):
        group = list(alike)
        batch = collate_batch([sample.inputs for sample in group])
        batch['indices'] = [sample.index for sample in group]
        labels = [sample.labels for sample in group if sample.labels is not None]
        if labels:
            batch['labels'] = default_collate([writable_tensor(each) for each in labels])
        batches.append(batch)
    return batches


def _pinnable(value: Any) -> Any:
    if isinstance(value, DataContainer):
        if value.cpu_only or not value.stack:
            return value
        return PinnableContainer(value.data, value.stack, value.padding_value)
    if isinstance(value, Mapping):
        return {key: _pinnable(item) for key, item in value.items()}
    return [_pinnable(item) for item in value] if isinstance(value, list) else value
