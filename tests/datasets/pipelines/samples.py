"""What the tests of transforms start from."""

import numpy as np

from ..layouts import photograph


def sample(height=20, width=30, seed=0, **kwargs):
    """An image whose first channel equals its labels, so that both can be seen to move alike."""
    label = np.random.default_rng(1).integers(0, 5, (height, width)).astype(np.uint8)
    image = photograph(0, height, width)
    image[..., 0] = label
    return {
        'img': image,
        'gt_semantic_seg': label,
        'seg_fields': ['gt_semantic_seg'],
        'rng': np.random.default_rng(seed),
        **kwargs,
    }


def moves_together(results):
    """Whether image and labels still match pixel for pixel."""
    return (results['img'][..., 0] == results['gt_semantic_seg']).all()
