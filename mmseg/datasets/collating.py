"""Making batches of samples."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.parallel import DataContainer, collate
from torch.utils.data import default_collate

from mmseg.ops.transfer import writable_tensor

from .indexed_images import IndexedImage


class PinnableContainer(DataContainer):
    """mmcv's container, whose tensors a loader can put into page-locked memory."""

    def pin_memory(self) -> 'PinnableContainer':
        """Return a copy from which a GPU fetches without the processor's help."""
        pinned = [part.pin_memory() for part in self.data]
        return PinnableContainer(pinned, self.stack, self.padding_value)


def collate_batch(samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Join samples into one batch of mmcv's containers."""
    return _pinnable(collate(list(samples), samples_per_gpu=len(samples)))


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
        if group[0].labels is not None:
            batch['labels'] = default_collate([writable_tensor(s.labels) for s in group])
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
