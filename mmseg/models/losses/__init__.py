"""Losses, one to a file."""

from .accuracy import Accuracy, accuracy
from .cross_entropy_loss import (
    CrossEntropyLoss,
    binary_cross_entropy,
    cross_entropy,
    mask_cross_entropy,
)
from .dice_loss import DiceLoss
from .lovasz_loss import LovaszLoss
from .utils import reduce_loss, weight_reduce_loss

__all__ = [
    'Accuracy',
    'CrossEntropyLoss',
    'DiceLoss',
    'LovaszLoss',
    'accuracy',
    'binary_cross_entropy',
    'cross_entropy',
    'mask_cross_entropy',
    'reduce_loss',
    'weight_reduce_loss',
]
