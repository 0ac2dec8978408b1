"""A small data set on disk, as the tutorial of mmsegmentation 0.16 lays it out."""

from pathlib import Path

import cv2
import numpy as np

CLASSES = ('sky', 'tree', 'road', 'grass')
NORM = {'mean': [120.0, 110.0, 100.0], 'std': [60.0, 60.0, 60.0], 'to_rgb': True}
TRAIN = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadAnnotations'},
    {'type': 'Resize', 'img_scale': (64, 64), 'ratio_range': (1.0, 1.5)},
    {'type': 'RandomCrop', 'crop_size': (64, 64), 'cat_max_ratio': 0.75},
    {'type': 'RandomFlip', 'prob': 0.5},
    {'type': 'Normalize', **NORM},
    {'type': 'Pad', 'size': (64, 64), 'pad_val': 0, 'seg_pad_val': 255},
    {'type': 'DefaultFormatBundle'},
    {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
]
TEST = [
    {'type': 'LoadImageFromFile'},
    {
        'type': 'MultiScaleFlipAug',
        'img_scale': (64, 64),
        'flip': False,
        'transforms': [
            {'type': 'Resize', 'keep_ratio': True},
            {'type': 'RandomFlip'},
            {'type': 'Normalize', **NORM},
            {'type': 'ImageToTensor', 'keys': ['img']},
            {'type': 'Collect', 'keys': ['img']},
        ],
    },
]


def write_images(root: Path, names=('one', 'two', 'three'), folder='images', labels='labels'):
    """Write images and label maps (64, 64); the n-th image's upper half is of class n."""
    for number, name in enumerate(names):
        label = np.full((64, 64), 3, np.uint8)
        label[:32] = number % 4
        image = cv2.cvtColor(label * 60, cv2.COLOR_GRAY2BGR)
        for directory, array in ((folder, image), (labels, label)):
            path = root / directory / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), array)
    return root


def settings(root: Path, pipeline=TRAIN, **more):
    """Return the arguments of a `CustomDataset`."""
    places = {'img_dir': 'images', 'ann_dir': 'labels', 'data_root': str(root)}
    names = {'img_suffix': '.png', 'seg_map_suffix': '.png', 'classes': CLASSES}
    return {**places, **names, 'pipeline': pipeline, **more}
