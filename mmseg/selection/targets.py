"""Unlabelled images of a run's target."""

from typing import Any

import torch

from mmseg.datasets import build_dataset
from mmseg.utils.errors import UserError

_MIN_IMAGES = 4


def target_images(cfg: Any, number: int) -> list[torch.Tensor]:
    """Load unlabelled images that a config adapts to, evenly spread, as its tests show them.

    Raises:
        UserError: There is no target, or it has too few images.
    """
    target = (cfg.data.get('train') or {}).get('target')
    if target is None:
        raise UserError('the run adapts to no target (data.train.target): there is nothing to ask')
    pipeline = cfg.data.test.pipeline
    dataset: Any = build_dataset(
        {**target, 'pipeline': pipeline, 'load_labels': False, 'crop_pseudo_margins': None},
        {'test_mode': True},
    )
    if len(dataset) < _MIN_IMAGES:
        raise UserError(
            f'{len(dataset)} target images tell too little: at least {_MIN_IMAGES} are needed'
        )
    count = min(number, len(dataset))
    places = [round(i * (len(dataset) - 1) / max(count - 1, 1)) for i in range(count)]
    return [_image(dataset[place]) for place in places]


def _image(sample: Any) -> torch.Tensor:
    views = sample['img']
    view: Any = views[0] if isinstance(views, list) else views
    image: torch.Tensor = view.data
    return image[None]
