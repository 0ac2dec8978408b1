"""mmsegmentation's functions that test on a whole data set, and how predictions are written."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from mmseg.core.visualization import coloured, load_picture, overlay, save_picture
from mmseg.datasets import build_dataloader
from mmseg.datasets.collating import collate_alike
from mmseg.datasets.indexed_images import IndexedImages
from mmseg.utils.background import Background
from mmseg.utils.distributed import gather_objects, sum_over_processes
from mmseg.utils.errors import UserError

from .inference import predict
from .loader import DeviceLoader


def single_gpu_test(
    model: nn.Module,
    data_loader: DeviceLoader | DataLoader,
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
        data_loader: From `build_test_loader`, or `build_dataloader` with `shuffle=False`.
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
    model = _unwrapped(model)
    data_loader = _as_device_loader(model, data_loader)
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
        assert prediction.confusion is not None, 'multi_gpu_test takes images with labels'
        counts[prediction.index] = prediction.confusion
    return list(sum_over_processes(counts.to(data_loader.device)).cpu())


def test_for_maps(
    model: nn.Module, data_loader: DeviceLoader, description: str = 'testing'
) -> list[np.ndarray]:
    """Do what `multi_gpu_test` does, for each image's label map (H, W) instead of counts."""
    predictions = predict(model, data_loader, description)
    own = {prediction.index: prediction.labels for prediction in predictions}
    maps = {index: labels for part in gather_objects(own) for index, labels in part.items()}
    return [maps[index] for index in range(len(data_loader.dataset))]


def _unwrapped(model: nn.Module) -> nn.Module:
    """Return the network in one of mmcv's or PyTorch's parallel wrappers, of which none is used."""
    return getattr(model, 'module', model)


def _as_device_loader(model: nn.Module, loader: DeviceLoader | DataLoader) -> DeviceLoader:
    """Let a plain loader of a test set load as `build_test_loader`'s does."""
    if isinstance(loader, DeviceLoader):
        return loader
    dataset: Any = loader.dataset
    again = build_dataloader(
        IndexedImages(dataset, with_labels=dataset.has_labels),
        loader.batch_size or 1,
        loader.num_workers,
        shuffle=False,
        collate=collate_alike,
    )
    return DeviceLoader(again, next(model.parameters()).device)


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
    save_picture(coloured(labels, palette), target.with_name(f'{target.stem}_color.png'))
    save_picture(labels.astype(np.uint8), target.with_name(f'{target.stem}_labels.png'))
