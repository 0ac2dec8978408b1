"""Labelled images of the source that training left out: the choice that everybody has."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from mmseg.apis.loader import build_test_loader
from mmseg.apis.test import multi_gpu_test
from mmseg.datasets import build_dataset
from mmseg.utils.errors import UserError

SOURCE = 'source mIoU'
_NUM_NAMED = 3


def held_back_images(cfg: Any, split: str | Path) -> Any:
    """Return the data set of source images that a run did not train on.

    Args:
        cfg: The run's config.
        split: File that lists them, as `data.train.source.split` lists those of training.

    Raises:
        UserError: There is no source of one folder, or the run trained on some of them.
    """
    train = cfg.data.get('train') or {}
    source = train.get('source', train)
    if not isinstance(source, Mapping) or 'img_dir' not in source:
        raise UserError('--held-back: expected a source of one folder (data.train.source)')
    settings = {**source, 'pipeline': cfg.data.test.pipeline}
    held_back = build_dataset(
        {**settings, 'split': str(Path(split).absolute())}, {'test_mode': True}
    )
    trained = _files(build_dataset(settings, {'test_mode': True}))
    both = sorted(_files(held_back) & trained)
    if both:
        raise UserError(
            f'--held-back: the run trained on {len(both)} of the {len(held_back)} images, such as '
            f'{", ".join(both[:_NUM_NAMED])}: list the others in data.train.source.split'
        )
    return held_back


def measure_on_source(split: str | Path, device: torch.device) -> Callable[[Any, Any], float]:
    """Return what measures a network, by the config of its run, on such images: mIoU in [0, 1]."""

    def measure(model: Any, cfg: Any) -> float:
        return mean_iou(model, held_back_images(cfg, split), cfg, device)

    return measure


def mean_iou(model: Any, dataset: Any, cfg: Any, device: torch.device) -> float:
    """Return a network's mIoU in [0, 1] on a labelled data set."""
    loader = build_test_loader(dataset, cfg, device)
    return float(dataset.evaluate(multi_gpu_test(model, loader))['mIoU'])


def _files(dataset: Any) -> set[str]:
    return {dataset.image_path(index) for index in range(len(dataset))}
