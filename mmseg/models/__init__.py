"""Segmentation networks and the methods that adapt them."""

from . import backbones, decode_heads, losses, necks, segmentors, uda
from .builder import (
    BACKBONES,
    HEADS,
    LOSSES,
    NECKS,
    SEGMENTORS,
    UDA,
    build_backbone,
    build_head,
    build_loss,
    build_neck,
    build_segmentor,
    build_train_model,
    has_pretrained,
)

__all__ = [
    'BACKBONES',
    'HEADS',
    'LOSSES',
    'NECKS',
    'SEGMENTORS',
    'UDA',
    'backbones',
    'build_backbone',
    'build_head',
    'build_loss',
    'build_neck',
    'build_segmentor',
    'build_train_model',
    'decode_heads',
    'has_pretrained',
    'losses',
    'necks',
    'segmentors',
    'uda',
]
