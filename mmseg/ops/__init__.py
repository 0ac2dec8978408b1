from .batch_norm import normed
from .class_means import boundary_mask, class_means
from .color import scale_saturation, shift_hue
from .device_copies import HostCopy, to_device
from .downscale_label import downscale_label
from .instance_loss import instance_loss, instance_loss_reference
from .instance_scatter import scatter_similarity
from .normalize import normalize
from .resize import linear_matrix, linear_taps, resize
from .similarity import normalize_scores, positive_sum, similarity_factors, similarity_scores
from .upsampled_classes import upsampled_classes

__all__ = [
    'HostCopy',
    'boundary_mask',
    'class_means',
    'downscale_label',
    'instance_loss',
    'instance_loss_reference',
    'linear_matrix',
    'linear_taps',
    'normalize',
    'normalize_scores',
    'normed',
    'positive_sum',
    'resize',
    'scale_saturation',
    'scatter_similarity',
    'shift_hue',
    'similarity_factors',
    'similarity_scores',
    'to_device',
    'upsampled_classes',
]
