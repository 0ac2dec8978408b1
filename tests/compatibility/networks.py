"""Small networks and batches for tests of code written for mmsegmentation 0.16."""

import numpy as np
import torch

from mmseg.models import build_segmentor

NORM = {'type': 'BN', 'requires_grad': True}


def model(head=None, kind='EncoderDecoder', **more):
    """Return the `model` of a config in the form of mmsegmentation 0.16."""
    fcn = {'type': 'FCNHead', 'num_convs': 1, 'in_channels': 64, 'in_index': 3, 'channels': 8}
    return {
        'type': kind,
        'backbone': {'type': 'ResNet', 'depth': 18, 'base_channels': 8, 'norm_cfg': NORM},
        'decode_head': {**fcn, 'num_classes': 4, 'norm_cfg': NORM, **(head or {})},
        'train_cfg': {},
        'test_cfg': {'mode': 'whole'},
        **more,
    }


def network(*args, **kwargs):
    """Build a segmentor with random weights."""
    torch.manual_seed(0)
    return build_segmentor(model(*args, **kwargs)).eval()


def batch(size=2, side=64):
    """Return the arguments of `forward_train`."""
    generator = torch.Generator().manual_seed(1)
    img = torch.randn(size, 3, side, side, generator=generator)
    labels = torch.randint(0, 4, (size, 1, side, side), generator=generator)
    return {'img': img, 'img_metas': metas(size, side), 'gt_semantic_seg': labels}


def metas(size=1, side=64):
    """Return facts about images as `Collect` notes them."""
    shape = (side, side, 3)
    norm = {'mean': np.zeros(3, np.float32), 'std': np.ones(3, np.float32), 'to_rgb': True}
    meta = {'ori_shape': shape, 'img_shape': shape, 'pad_shape': shape, 'filename': 'a.png'}
    return [{**meta, 'flip': False, 'scale_factor': 1.0, 'img_norm_cfg': norm}] * size
