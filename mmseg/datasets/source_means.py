"""The means that are usual beside mIoU, by what a run was trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.core.evaluation.class_names import SYNTHIA_CLASSES_13, SYNTHIA_CLASSES_16

_MEANS: dict[str, dict[str, list[str]]] = {
    'SynthiaDataset': {'mIoU16': list(SYNTHIA_CLASSES_16), 'mIoU13': list(SYNTHIA_CLASSES_13)}
}


def means_for_source(train: Any) -> Mapping[str, Sequence[str]]:
    """Return the further means to report for a run.

    Args:
        train: The training set's config, of one domain or of a source and a target; of joined
            sets the first decides.

    Returns:
        Name → class names, for the data sets' `extra_means`; mIoU16 and mIoU13 for Synthia.
    """
    while isinstance(train, list | tuple):
        train = train[0] if train else None
    if not isinstance(train, Mapping):
        return {}
    for key in ('source', 'datasets', 'dataset'):
        if key in train:
            return means_for_source(train[key])
    return _MEANS.get(train.get('type', ''), {})
