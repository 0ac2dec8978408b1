"""Metrics, and the names and colours of classes."""

from .class_agreement import are_numbers, check_same_classes, class_difference
from .class_names import get_classes, get_palette
from .confusion import count_pairs
from .metrics import areas_of, confusion_matrix, metric_names, total_area_to_metrics
from .published_metrics import (
    eval_metrics,
    intersect_and_union,
    mean_dice,
    mean_fscore,
    mean_iou,
    total_intersect_and_union,
)

__all__ = [
    'are_numbers',
    'areas_of',
    'check_same_classes',
    'class_difference',
    'confusion_matrix',
    'count_pairs',
    'eval_metrics',
    'get_classes',
    'get_palette',
    'intersect_and_union',
    'mean_dice',
    'mean_fscore',
    'mean_iou',
    'metric_names',
    'total_area_to_metrics',
    'total_intersect_and_union',
]
