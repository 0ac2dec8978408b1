"""A data set through a trained network: label maps and pixel counts of every image.

Both are made where the network is; while a batch is on its way to the host, the device works on
the next one.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from mmseg.apis.loader import DeviceLoader
from mmseg.apis.memory import TESTING_KNOBS, explained_memory
from mmseg.core.evaluation import count_pairs
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.ops import HostCopy
from mmseg.utils.progress import track

from .decisions import decide

# Batches that the device may be ahead of the host.
_NUM_AHEAD = 2


@dataclass(frozen=True)
class Prediction:
    """What a network makes of one image.

    Attributes:
        index: Index in the dataset.
        labels: Class indices (H, W) uint8 at the size of the original image; None where only
            counts were asked for.
        meta: The image's meta data.
        confusion: Pixels (C + 1, C + 1) as `count_pairs` counts them; None without true labels.
    """

    index: int
    labels: np.ndarray | None
    meta: dict[str, Any]
    confusion: torch.Tensor | None


def predict(
    model: nn.Module,
    data_loader: DeviceLoader,
    description: str = 'testing',
    amp: str | None = None,
    with_maps: bool = True,
) -> Iterator[Prediction]:
    """Yield the prediction of every image as soon as it is there.

    Args:
        model: Segmentor.
        data_loader: From `build_test_loader`.
        description: What the progress bar says.
        amp: None for float32, 'bf16' or 'fp16' for a network in that type.
        with_maps: Whether label maps are wanted, or counts alone.

    Yields:
        Predictions in the order of the loader.
    """
    predictions = _predictions(model, data_loader, amp, with_maps)
    yield from track(predictions, description, data_loader.num_samples)


class _PredictedBatch:
    """A batch's predictions on their way to the host."""

    def __init__(
        self,
        batch: Mapping[str, Any],
        labels: torch.Tensor | None,
        confusion: torch.Tensor | None,
    ) -> None:
        self.indices = batch['indices']
        self.metas = batch['img_metas'][0]
        self.labels = None if labels is None else HostCopy(labels.to(torch.uint8))
        self.confusion = None if confusion is None else HostCopy(confusion)

    def __iter__(self) -> Iterator[Prediction]:
        nothing = [None] * len(self.indices)
        labels: Any = nothing if self.labels is None else self.labels.wait().numpy()
        confusion: Any = nothing if self.confusion is None else self.confusion.wait()
        rows = zip(self.indices, labels, self.metas, confusion, strict=True)
        yield from (Prediction(*row) for row in rows)


def _predictions(
    model: nn.Module, data_loader: DeviceLoader, amp: str | None, with_maps: bool
) -> Iterator[Prediction]:
    started: deque[_PredictedBatch] = deque()
    for batch in data_loader:
        labels = decide(model, batch, amp=amp).labels
        with explained_memory(data_loader.device, TESTING_KNOBS):
            confusion = None
            if 'labels' in batch:
                num_classes = len(data_loader.dataset.CLASSES)
                confusion = count_pairs(labels, batch['labels'], num_classes, IGNORE_INDEX)
            started.append(_PredictedBatch(batch, labels if with_maps else None, confusion))
        if len(started) > _NUM_AHEAD:
            yield from started.popleft()
    for predicted in started:
        yield from predicted
