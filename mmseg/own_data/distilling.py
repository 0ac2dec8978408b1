"""A small student of the network that is handed over, taught by what that one predicts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.core.checkpoint import LATEST
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.visualization import save_picture
from mmseg.datasets.image_io import read_label
from mmseg.datasets.statistics_files import CONVERTED
from mmseg.experiments.models import model_config, model_of
from mmseg.utils.places import WORKSPACE

from .handing_over import write_weights
from .pictures import Picture
from .plan import DECODERS, NORMS, Layout, lay_out, optimizer_of
from .predictions import CONFIDENCE, LABELS, output_names
from .telling import Told

DISTILLED = 'distilled'
# What a person calls an encoder, and what experiments call it.
STUDENTS = {'mit_b0': 'mitb0', 'efficientnet_lite0': 'effnetlite0'}
# Probability, calibrated, from which a predicted pixel is taught.
_SURE = 0.9


def lay_out_predictions(layout: Layout, pictures: Sequence[Picture]) -> float:
    """Lay the target's pictures out with what was predicted of them as their labels.

    Pixels of a lower confidence than 0.9 are ignored.

    Args:
        layout: Where the predictions are, and the data set goes.
        pictures: Of the target; those that have no prediction are left out.

    Returns:
        Which share of the pixels is taught.
    """
    named = zip(pictures, output_names(pictures), strict=True)
    predicted = [
        (picture, name)
        for picture, name in named
        if (layout.root / LABELS / f'{name}.png').is_file()
    ]
    lay_out([picture for picture, _ in predicted], layout.distilled / 'images')
    lay_out([], layout.distilled / 'labels')
    num_sure = num_all = 0
    for index, (_, name) in enumerate(predicted):
        labels, confidence = (
            read_label(layout.root / kind / f'{name}.png') for kind in (LABELS, CONFIDENCE)
        )
        is_sure = confidence >= _SURE * 255
        taught = np.where(is_sure, labels, IGNORE_INDEX).astype(np.uint8)
        save_picture(taught, layout.distilled / 'labels' / f'{index:06d}{CONVERTED}')
        num_sure, num_all = num_sure + int(is_sure.sum()), num_all + is_sure.size
    return num_sure / max(num_all, 1)


def config_of_student(
    source_only: Mapping[str, Any], layout: Layout, encoder: str, weights: str | None
) -> dict[str, Any]:
    """Return the config that trains a student on the source and on predictions, in equal shares.

    Args:
        source_only: Config of training on the source alone; the student differs in its encoder.
        layout: Where the data sets are.
        encoder: One of experiments' encoders, such as 'mitb0'.
        weights: File of its ImageNet weights; None where they come by a package, or are missing.
    """
    decoder = DECODERS[encoder]
    model = model_config(decoder, encoder)
    model['decode_head']['num_classes'] = source_only['model']['decode_head']['num_classes']
    model['pretrained'] = weights
    runtime, _, *schedules = source_only['_base_']
    base = layout.base(f'models/{model_of(decoder, encoder).base}')
    norm = NORMS[encoder]
    source = _normalised(source_only['data']['train'], norm)
    target = {**source, 'data_root': str(layout.distilled)}
    train = {'type': 'ConcatDataset', 'datasets': [source, target], 'shares': [1, 1]}
    data = {**_normalised(source_only['data'], norm), 'train': train}
    return {
        **source_only,
        '_base_': [runtime, base, *schedules],
        'model': model,
        'optimizer': optimizer_of(as_published=weights is not None),
        'data': data,
        'name': DISTILLED,
    }


def weights_of(encoder: str) -> str | None:
    """Return the file of an encoder's ImageNet weights, where it is there."""
    name = model_config(DECODERS[encoder], encoder).get('pretrained')
    return name if name is not None and (WORKSPACE / name).is_file() else None


def write_student(layout: Layout, tell: Told) -> None:
    """Write `distilled.pth` of a student that is trained, and tell how large it is."""
    path = layout.run(DISTILLED) / LATEST
    model = init_segmentor(load_config(layout.config(DISTILLED)), path, torch.device('cpu'))
    meta = read_checkpoint(path).get('meta') or {}
    write_weights(model, meta, layout.root / f'{DISTILLED}.pth')
    number = sum(parameter.numel() for parameter in model.parameters())
    tell(f'distilled: {number / 1e6:.1f} million parameters, in {DISTILLED}.pth')


def _normalised(config: Any, norm: Mapping[str, Any]) -> Any:
    """Return a part of a config whose pipelines normalise images in another way."""
    if isinstance(config, Mapping):
        if config.get('type') == 'Normalize':
            return {**config, **norm}
        return {key: _normalised(value, norm) for key, value in config.items()}
    if isinstance(config, list):
        return [_normalised(value, norm) for value in config]
    return config
