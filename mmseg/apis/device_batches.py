"""The last steps of loading, on the device: widen labels, normalise images, pad them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from mmseg.datasets.pipelines.compact import LEFT_TO_DO
from mmseg.ops import normalize, to_device


class BatchFinisher:
    """Does what compact samples leave to the device; other batches pass as they are.

    Args:
        device: Where batches are.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._on_device: dict[tuple[float, ...], torch.Tensor] = {}

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Finish a batch of tensors on the device and `img_metas`, `target_img_metas`, …"""
        finished = dict(batch)
        for key in batch:
            metas = batch.get(f'{key}_metas')
            if metas and isinstance(metas[0], Mapping) and LEFT_TO_DO in metas[0]:
                finished[key] = self._normalize(batch[key], [meta[LEFT_TO_DO] for meta in metas])
        labels = batch.get('gt_semantic_seg')
        if isinstance(labels, torch.Tensor):
            finished['gt_semantic_seg'] = labels.long()
        return finished

    def _normalize(
        self, images: torch.Tensor, left_to_do: Sequence[Mapping[str, Any]]
    ) -> torch.Tensor:
        mean, std = (self._statistic(left_to_do[0][name]) for name in ('mean', 'std'))
        images = normalize(images, mean, std, left_to_do[0]['to_rgb'])
        for image, todo in zip(images, left_to_do, strict=True):
            height, width = todo['size']
            image[:, height:] = todo['pad_val']
            image[:, :, width:] = todo['pad_val']
        return images

    def _statistic(self, values: Sequence[float]) -> torch.Tensor:
        """Bring channel statistics (3,) to the device, once."""
        key = tuple(float(value) for value in values)
        if key not in self._on_device:
            self._on_device[key] = to_device(torch.tensor(key), self.device)
        return self._on_device[key]
