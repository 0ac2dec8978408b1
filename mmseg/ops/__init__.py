from .batch_norm import normed
from .class_means import boundary_mask, class_means
from .color import scale_saturation, shift_hue
from .device_copies import HostCopy, to_device
from .downscale_label import downscale_label
from .instance_loss import instance_loss, instance_loss_reference
from .instance_scatter import scatter_similarity
from .joined_relu import joined_relu
from .normalize import normalize
from .pointwise_conv import pointwise_conv
from .products import linear, product
from .resize import linear_matrix, linear_taps, resize
from .separable_pyramid import PointwiseBranch, SeparableBranch, separable_pyramid
from .similarity import normalize_scores, positive_sum, similarity_factors, similarity_scores
from .upsampled_classes import upsampled_classes
from .wide_conv import wide_conv

__all__ = [
    'HostCopy',
    'PointwiseBranch',
    'SeparableBranch',
    'boundary_mask',
    'class_means',
    'downscale_label',
    'instance_loss',
    'instance_loss_reference',
    'joined_relu',
    'linear',
    'linear_matrix',
    'linear_taps',
    'normalize',
    'normalize_scores',
    'normed',
    'pointwise_conv',
    'positive_sum',
    'product',
    'resize',
    'scale_saturation',
    'scatter_similarity',
    'separable_pyramid',
    'shift_hue',
    'similarity_factors',
    'similarity_scores',
    'to_device',
    'upsampled_classes',
    'wide_conv',
]
