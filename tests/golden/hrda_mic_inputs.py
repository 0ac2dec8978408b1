"""Inputs and weights of the HRDA and MIC golden files; to be used beside `fill.py`."""
import math

import numpy as np
import torch
from tests.golden.fill import fill_deterministic, input_for

SHARPENING = 6.0


def scene_for(name, shape, seed=0):
    """Images (B, 3, H, W) of 16 x 16 blocks with some noise on them."""
    batch, channels, height, width = shape
    coarse = input_for(f'{name}.coarse', (batch, channels, math.ceil(height / 16), math.ceil(width / 16)), seed)
    blocks = coarse.repeat(16, axis=2).repeat(16, axis=3)[:, :, :height, :width]
    return (1.5 * blocks + 0.3 * input_for(f'{name}.fine', shape, seed)).astype(np.float32)


def fill_sharp(module, seed=0):
    """`fill_deterministic`, then classifiers (`*conv_seg.weight`) times 6, so that classes and scales differ."""
    fill_deterministic(module, seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if name.endswith('conv_seg.weight'):
                weight.mul_(SHARPENING)
    return module
