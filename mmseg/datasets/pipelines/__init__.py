"""The steps of a data pipeline, under mmsegmentation's names."""

from .compact import compact
from .compose import Compose, with_labels, without_labels
from .formatting import Collect, DefaultFormatBundle, ImageToTensor, ToTensor, Transpose
from .loading import LoadAnnotations, LoadImageFromFile
from .margins import VALID, PseudoLabelMargins, with_margins
from .multi_scale_flip import MultiScaleFlipAug
from .photometric import CLAHE, AdjustGamma, Normalize, PhotoMetricDistortion, Rerange, RGB2Gray
from .random_crop import RandomCrop
from .resized_cache import CachedResize, resized_from
from .transforms import Pad, RandomFlip, RandomRotate, Resize, SegRescale

__all__ = [
    'CLAHE',
    'VALID',
    'AdjustGamma',
    'CachedResize',
    'Collect',
    'Compose',
    'DefaultFormatBundle',
    'ImageToTensor',
    'LoadAnnotations',
    'LoadImageFromFile',
    'MultiScaleFlipAug',
    'Normalize',
    'Pad',
    'PhotoMetricDistortion',
    'PseudoLabelMargins',
    'RGB2Gray',
    'RandomCrop',
    'RandomFlip',
    'RandomRotate',
    'Rerange',
    'Resize',
    'SegRescale',
    'ToTensor',
    'Transpose',
    'compact',
    'resized_from',
    'with_labels',
    'with_margins',
    'without_labels',
]
