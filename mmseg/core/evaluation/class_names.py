"""Class names, palettes and label ids of the data sets the project knows.

Label ids are what the annotators wrote; train ids (0 to 18, 255 = ignore) are what networks learn.
"""

from collections.abc import Mapping

import numpy as np

from mmseg.core.building import nearest
from mmseg.utils.errors import UserError

IGNORE_INDEX = 255

CITYSCAPES_CLASSES = (
    'road',
    'sidewalk',
    'building',
    'wall',
    'fence',
    'pole',
    'traffic light',
    'traffic sign',
    'vegetation',
    'terrain',
    'sky',
    'person',
    'rider',
    'car',
    'truck',
    'bus',
    'train',
    'motorcycle',
    'bicycle',
)

CITYSCAPES_PALETTE = (
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (102, 102, 156),
    (190, 153, 153),
    (153, 153, 153),
    (250, 170, 30),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (255, 0, 0),
    (0, 0, 142),
    (0, 0, 70),
    (0, 60, 100),
    (0, 80, 100),
    (0, 0, 230),
    (119, 11, 32),
)

# Synthia lacks terrain, truck and train; the usual 13 also leave out the thin and rare ones.
SYNTHIA_CLASSES_16 = tuple(c for c in CITYSCAPES_CLASSES if c not in ('terrain', 'truck', 'train'))
SYNTHIA_CLASSES_13 = tuple(c for c in SYNTHIA_CLASSES_16 if c not in ('wall', 'fence', 'pole'))

# Label id of each Cityscapes train id, in order; GTA uses the same ids.
CITYSCAPES_LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
CITYSCAPES_ID_TO_TRAIN_ID = {label: train for train, label in enumerate(CITYSCAPES_LABEL_IDS)}

SYNTHIA_ID_TO_TRAIN_ID = {
    3: 0,
    4: 1,
    2: 2,
    21: 3,
    5: 4,
    7: 5,
    15: 6,
    9: 7,
    6: 8,
    16: 9,
    1: 10,
    10: 11,
    17: 12,
    8: 13,
    18: 14,
    19: 15,
    20: 16,
    12: 17,
    11: 18,
}

_ALIASES = dict.fromkeys(
    ('acdc', 'cityscapes', 'darkzurich', 'gta', 'synthia'), (CITYSCAPES_CLASSES, CITYSCAPES_PALETTE)
)


def _entry(dataset: str) -> tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]]:
    key = dataset.lower().removesuffix('dataset')
    if key not in _ALIASES:
        raise UserError(f'no class names for data set {dataset!r}: {nearest(key, _ALIASES)}')
    return _ALIASES[key]


def get_classes(dataset: str) -> list[str]:
    """Return the class names of a data set by its name or alias, such as 'cityscapes'.

    Raises:
        UserError: For a name that is not known.

    >>> get_classes('cityscapes')[:3]
    ['road', 'sidewalk', 'building']
    """
    return list(_entry(dataset)[0])


def get_palette(dataset: str) -> list[list[int]]:
    """Return the RGB colours (0-255) of a data set's classes by its name or alias.

    Raises:
        UserError: For a name that is not known.

    >>> get_palette('cityscapes')[0]
    [128, 64, 128]
    """
    return [list(colour) for colour in _entry(dataset)[1]]


def id_lookup_table(id_to_train_id: Mapping[int, int], size: int = 256) -> np.ndarray:
    """Make the array that turns label ids into train ids by indexing.

    Args:
        id_to_train_id: Train id of each label id; every other id becomes 255.
        size: Number of ids the table covers, above every id that can occur.

    Returns:
        Train ids (size,) uint8.

    >>> table, label_ids = id_lookup_table({7: 0, 8: 1}), np.array([[7, 8, 9]])
    >>> table[label_ids].tolist()
    [[0, 1, 255]]
    """
    table = np.full(size, IGNORE_INDEX, np.uint8)
    for label_id, train_id in id_to_train_id.items():
        table[label_id] = train_id
    return table
