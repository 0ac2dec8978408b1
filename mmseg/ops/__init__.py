from .class_means import boundary_mask, class_means
from .downscale_label import downscale_label
from .instance_loss import instance_loss, instance_loss_reference
from .instance_scatter import scatter_similarity
from .resize import linear_matrix, linear_taps, resize
from .similarity import normalize_scores, positive_sum, similarity_factors, similarity_scores

__all__ = [
    'boundary_mask',
    'class_means',
    'downscale_label',
    'instance_loss',
    'instance_loss_reference',
    'linear_matrix',
    'linear_taps',
    'normalize_scores',
    'positive_sum',
    'resize',
    'scatter_similarity',
    'similarity_factors',
    'similarity_scores',
]
