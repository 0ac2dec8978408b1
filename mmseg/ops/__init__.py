from mmseg.utils.old_places import serve

from .batch_norm import normed
from .class_means import boundary_mask, class_means
from .colour import scale_saturation, shift_hue
from .compat import NAMES, PLACES
from .device_copies import HostCopy, to_device
from .downscale_label import downscale_label
from .instance_loss import lean_instance_loss
from .instance_loss_tiles import LOG_EPS
from .instance_scatter import lean_smooth_probs
from .normalize import normalize
from .resize import linear_matrix, linear_taps, resize
from .similarity import Similarity, positive_sum
from .upsampled_classes import upsampled_classes

__all__ = [
    *NAMES,
    'LOG_EPS',
    'HostCopy',
    'Similarity',
    'boundary_mask',
    'class_means',
    'downscale_label',
    'lean_instance_loss',
    'lean_smooth_probs',
    'linear_matrix',
    'linear_taps',
    'normalize',
    'normed',
    'positive_sum',
    'resize',
    'scale_saturation',
    'shift_hue',
    'to_device',
    'upsampled_classes',
]
__getattr__ = serve(__name__, NAMES, PLACES)
