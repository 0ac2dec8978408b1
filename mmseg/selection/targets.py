"""Unlabelled images of a run's target."""

from typing import Any

import torch
import torch.nn.functional as F

from mmseg.datasets import build_dataset
from mmseg.utils.errors import UserError

MIN_IMAGES = 4


def target_dataset(cfg: Any) -> Any:
    """Return the images that a config adapts to, as its tests show them, without labels.

    Raises:
        UserError: There is no target.
    """
    target = (cfg.data.get('train') or {}).get('target')
    if target is None:
        raise UserError('the run adapts to no target (data.train.target): there is nothing to ask')
    steps = {'pipeline': cfg.data.test.pipeline}
    return build_dataset(
        {**target, **steps, 'load_labels': False, 'crop_pseudo_margins': None}, {'test_mode': True}
    )


def target_images(cfg: Any, number: int) -> list[torch.Tensor]:
    """Load unlabelled images that a config adapts to, evenly spread.

    Raises:
        UserError: There is no target, or it has too few images.
    """
    dataset = target_dataset(cfg)
    if len(dataset) < MIN_IMAGES:
        raise UserError(
            f'{len(dataset)} target images tell too little: at least {MIN_IMAGES} are needed'
        )
    count = min(number, len(dataset))
    places = [round(i * (len(dataset) - 1) / max(count - 1, 1)) for i in range(count)]
    return [image_at(dataset, place) for place in places]


def image_at(dataset: Any, index: int) -> torch.Tensor:
    """Return an image (1, 3, H, W) as tests show it."""
    views = dataset[index]['img']
    view: Any = views[0] if isinstance(views, list) else views
    image: torch.Tensor = view.data
    return image[None]


def padded_to_fit(model: Any, image: torch.Tensor) -> torch.Tensor:
    """Pad an image to a size that the network takes in one pass."""
    height, width = model.fitting_size(tuple(image.shape[2:]))
    return F.pad(image, (0, width - image.shape[3], 0, height - image.shape[2]))
