"""Testing: label maps of a whole dataset, one batch at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mmseg.core.visualization import colorize, load_picture, overlay, save_picture
from mmseg.utils.progress import track

from .loader import DeviceLoader
from .memory import TESTING_KNOBS, explained_memory


def predict(
    model: nn.Module, data_loader: DeviceLoader, description: str = 'testing'
) -> Iterator[tuple[int, np.ndarray, dict[str, Any]]]:
    """Yield the label map of every image as soon as it is there.

    Args:
        model: Segmentor.
        data_loader: Test batches in the order of the dataset.
        description: What the progress bar says.

    Yields:
        Index in the dataset, class indices (H, W) at the size of the original image, and the
        image's meta data.
    """
    model.eval()
    index = 0
    for batch in track(data_loader, description, len(data_loader)):
        with torch.inference_mode(), explained_memory(data_loader.device, TESTING_KNOBS):
            label_maps = model(return_loss=False, **batch)
        metas = batch['img_metas'][0]
        for label_map, meta in zip(label_maps, metas, strict=True):
            yield index, np.asarray(label_map), meta
            index += 1


def single_gpu_test(
    model: nn.Module,
    data_loader: DeviceLoader,
    show: bool = False,
    out_dir: str | Path | None = None,
    efficient_test: bool = False,
    opacity: float = 0.5,
    pre_eval: bool = False,
    description: str = 'testing',
) -> list[Any]:
    """Test a model on a dataset; name and arguments are mmsegmentation 0.16's.

    Args:
        model: Segmentor.
        data_loader: Test batches in the order of the dataset.
        show: Accepted for compatibility; pictures are written, not shown.
        out_dir: Folder for pictures, or None: `<name>.png` is the image under its colours,
            `<name>_color.png` the colours alone, `<name>_labels.png` the class indices.
        efficient_test: Accepted for compatibility; `pre_eval` keeps memory flat.
        opacity: Share of the colours in the overlay, in (0, 1].
        pre_eval: Return each image's areas per class instead of its label map.
        description: What the progress bar says.

    Returns:
        Per image a label map (H, W), or with `pre_eval` the areas that `dataset.evaluate` adds up.
    """
    dataset = data_loader.dataset
    results: list[Any] = []
    for index, labels, meta in predict(model, data_loader, description):
        if out_dir is not None:
            write_prediction(labels, meta, dataset.PALETTE, Path(out_dir), opacity)
        results += dataset.pre_eval([labels], [index]) if pre_eval else [labels]
    return results


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
