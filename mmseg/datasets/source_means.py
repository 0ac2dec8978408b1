"""The means that are usual beside mIoU, by what a run was trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.core.evaluation.class_names import CITYSCAPES_CLASSES

# Synthia labels no terrain, truck and train; the papers before 2020 left out three more.
_NOT_IN_SYNTHIA = ('terrain', 'truck', 'train')
_NOT_IN_MIOU13 = (*_NOT_IN_SYNTHIA, 'wall', 'fence', 'pole')

_MEANS: dict[str, dict[str, list[str]]] = {
    'SynthiaDataset': {
        'mIoU16': [name for name in CITYSCAPES_CLASSES if name not in _NOT_IN_SYNTHIA],
        'mIoU13': [name for name in CITYSCAPES_CLASSES if name not in _NOT_IN_MIOU13],
    }
}


def means_for_source(train: Mapping[str, Any] | None) -> Mapping[str, Sequence[str]]:
    """Return the further means to report for a run.

    Args:
        train: The training set's config, of one domain or of a source and a target.

    Returns:
        Name → class names, for the data sets' `extra_means`; mIoU16 and mIoU13 for Synthia.
    """
    train = train or {}
    return _MEANS.get(train.get('source', train).get('type'), {})
