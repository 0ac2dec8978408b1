"""What `mmseg.datasets` of mmsegmentation 0.16 offers, and where it stands here."""

from collections.abc import Mapping
from typing import Any

import torch

_LOADING = ('Collect', 'DefaultFormatBundle', 'ImageToTensor', 'ToTensor', 'Transpose')

PLACES: Mapping[str, Mapping[str, str]] = {
    'dataset_wrappers': {
        'ConcatDataset': 'concat:ConcatDataset',
        'RepeatDataset': 'concat:RepeatDataset',
    },
    'pipelines.formating': {
        **{name: f'pipelines:{name}' for name in _LOADING},
        'to_tensor': 'compat:to_tensor',
    },
    'pipelines.test_time_aug': {'MultiScaleFlipAug': 'pipelines:MultiScaleFlipAug'},
}


def to_tensor(data: Any) -> torch.Tensor:
    """Turn an array, a list or a number into a tensor; one of a number has the shape (1,)."""
    return torch.as_tensor([data] if isinstance(data, int | float) else data)
