"""Segmentation networks and the methods that adapt them."""

from mmseg.utils.old_places import serve

from . import backbones, decode_heads, losses, necks, segmentors, uda
from .builder import (
    BACKBONES,
    HEADS,
    LOSSES,
    NECKS,
    SEGMENTORS,
    TERMS,
    UDA,
    build_backbone,
    build_head,
    build_loss,
    build_neck,
    build_segmentor,
    build_term,
    build_train_model,
    has_pretrained,
)
from .compat import NAMES, PLACES

__all__ = [
    *NAMES,
    'BACKBONES',
    'HEADS',
    'LOSSES',
    'NECKS',
    'SEGMENTORS',
    'TERMS',
    'UDA',
    'backbones',
    'build_backbone',
    'build_head',
    'build_loss',
    'build_neck',
    'build_segmentor',
    'build_term',
    'build_train_model',
    'decode_heads',
    'has_pretrained',
    'losses',
    'necks',
    'segmentors',
    'uda',
]
__getattr__ = serve(__name__, NAMES, PLACES)
