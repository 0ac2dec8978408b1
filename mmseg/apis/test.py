"""Testing: label maps and pixel counts of a whole dataset.

Label maps and counts are made where the network is; while a batch is on its way to the host, the
device works on the next one.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from mmseg.core.evaluation import count_pairs
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.precision import Precision
from mmseg.core.visualization import colorize, load_picture, overlay, save_picture
from mmseg.ops import HostCopy
from mmseg.utils.background import Background
from mmseg.utils.distributed import sum_over_processes
from mmseg.utils.errors import UserError
from mmseg.utils.progress import track

from .loader import DeviceLoader
from .memory import TESTING_KNOBS, explained_memory

# Batches that the device may be ahead of the host.
_NUM_AHEAD = 2


class Prediction(NamedTuple):
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
    model.eval()
    precision = Precision(amp, data_loader.device)
    predictions = _predictions(model, data_loader, precision, with_maps)
    yield from track(predictions, description, data_loader.num_samples)


def single_gpu_test(
    model: nn.Module,
    data_loader: DeviceLoader,
    show: bool = False,
    out_dir: str | Path | None = None,
    efficient_test: bool = False,
    opacity: float = 0.5,
    pre_eval: bool = False,
    description: str = 'testing',
    amp: str | None = None,
) -> list[Any]:
    """Test a model on a dataset; name and arguments are mmsegmentation 0.16's.

    Args:
        model: Segmentor.
        data_loader: From `build_test_loader`.
        show: Accepted for compatibility; pictures are written, not shown.
        out_dir: Folder for pictures, or None: `<name>.png` is the image under its colours,
            `<name>_color.png` the colours alone, `<name>_labels.png` the class indices.
        efficient_test: Accepted for compatibility; `pre_eval` keeps memory flat.
        opacity: Share of the colours in the overlay, in (0, 1].
        pre_eval: Return each image's confusion matrix instead of its label map.
        description: What the progress bar says.
        amp: None for float32, 'bf16' or 'fp16' for a network in that type.

    Returns:
        Per image a label map (H, W), or with `pre_eval` the confusion matrices (C + 1, C + 1) that
        `dataset.evaluate` adds up.

    Raises:
        UserError: There are no true labels to count with.
    """
    dataset = data_loader.dataset
    if pre_eval and not dataset.has_labels:
        raise UserError(f'the images below {dataset.img_dir} have no labels to test against')
    results: list[Any] = []
    with_maps = out_dir is not None or not pre_eval
    with Background() as background:
        for prediction in predict(model, data_loader, description, amp, with_maps):
            if out_dir is not None:
                job = (prediction.labels, prediction.meta, dataset.PALETTE, Path(out_dir), opacity)
                background.submit(write_prediction, *job)
            results.append(prediction.confusion if pre_eval else prediction.labels)
    return results


def multi_gpu_test(
    model: nn.Module, data_loader: DeviceLoader, description: str = 'testing'
) -> list[torch.Tensor]:
    """Test a model on a dataset, every process on its share; the name is mmsegmentation's.

    Args:
        model: Segmentor.
        data_loader: This process's share from `build_test_loader`, with labels.
        description: What the progress bar says.

    Returns:
        On every process, for each image of the whole dataset the confusion matrix that
        `dataset.evaluate` adds up: whole numbers, so that the scores are those of a single process
        to the bit.
    """
    dataset = data_loader.dataset
    side = len(dataset.CLASSES) + 1
    counts = torch.zeros(len(dataset), side, side, dtype=torch.int32)
    for prediction in predict(model, data_loader, description, with_maps=False):
        counts[prediction.index] = prediction.confusion
    return list(sum_over_processes(counts.to(data_loader.device)).cpu())


def write_prediction(
    labels: np.ndarray,
    meta: dict[str, Any],
    palette: Any,
    folder: Path,
    opacity: float = 0.5,
) -> None:
    """Write one prediction as overlay, colours and class indices, named after its image."""
    target = folder / Path(meta['ori_filename']).with_suffix('.png')
    picture = overlay(load_picture(meta['filename']), labels, palette, opacity)
    save_picture(picture, target)
    save_picture(colorize(labels, palette), target.with_name(f'{target.stem}_color.png'))
    save_picture(labels.astype(np.uint8), target.with_name(f'{target.stem}_labels.png'))


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
        labels = nothing if self.labels is None else self.labels.wait().numpy()
        confusion = nothing if self.confusion is None else self.confusion.wait()
        rows = zip(self.indices, labels, self.metas, confusion, strict=True)
        yield from (Prediction(*row) for row in rows)


def _predictions(
    model: Any, data_loader: DeviceLoader, precision: Precision, with_maps: bool
) -> Iterator[Prediction]:
    dataset = data_loader.dataset
    started: deque[_PredictedBatch] = deque()
    for batch in data_loader:
        with torch.inference_mode(), explained_memory(data_loader.device, TESTING_KNOBS):
            with precision.autocast():
                labels = model.predict_labels(batch['img'], batch['img_metas'])
            confusion = None
            if 'labels' in batch:
                num_classes = len(dataset.CLASSES)
                confusion = count_pairs(labels, batch['labels'], num_classes, IGNORE_INDEX)
            started.append(_PredictedBatch(batch, labels if with_maps else None, confusion))
        if len(started) > _NUM_AHEAD:
            yield from started.popleft()
    for predicted in started:
        yield from predicted
