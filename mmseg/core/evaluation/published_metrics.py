"""mmsegmentation 0.16's functions over lists of label maps, for code that calls them by name.

Nothing here calls them: data sets add up confusion matrices, one an image (see `.metrics`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from mmseg.utils.errors import UserAssertionError, UserError

from .metrics import Areas, LabelMap, Metrics, areas_of, confusion_matrix, total_area_to_metrics

Labels = Iterable[LabelMap]


def intersect_and_union(
    pred_label: LabelMap,
    label: LabelMap,
    num_classes: int,
    ignore_index: int,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
) -> Areas:
    """Count the pixels in which prediction and label agree, class by class.

    Args:
        pred_label: See `confusion_matrix`.
        label: See `confusion_matrix`.
        num_classes: See `confusion_matrix`.
        ignore_index: See `confusion_matrix`.
        label_map: See `confusion_matrix`.
        reduce_zero_label: See `confusion_matrix`.

    Returns:
        Pixels (C,) of the intersection, the union, the prediction and the label, float32.

    >>> pred, label = torch.tensor([[0, 1, 1, 1]]), torch.tensor([[0, 0, 1, 255]])
    >>> intersect, union, *_ = intersect_and_union(pred, label, num_classes=2, ignore_index=255)
    >>> intersect.tolist(), union.tolist()
    ([1.0, 1.0], [2.0, 2.0])
    """
    confusion = confusion_matrix(
        pred_label, label, num_classes, ignore_index, label_map, reduce_zero_label
    )
    return areas_of(confusion.float())


def total_intersect_and_union(
    results: Iterable[LabelMap],
    gt_seg_maps: Iterable[LabelMap],
    num_classes: int,
    ignore_index: int,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
) -> Areas:
    """Sum `intersect_and_union` over images.

    Args:
        results: Predicted label maps.
        gt_seg_maps: True label maps, as many.
        num_classes: See `intersect_and_union`.
        ignore_index: See `intersect_and_union`.
        label_map: See `intersect_and_union`.
        reduce_zero_label: See `intersect_and_union`.

    Returns:
        Pixels (C,) of intersection, union, prediction and label, float64.

    >>> preds, labels = torch.tensor([[[0, 1]], [[1, 1]]]), torch.tensor([[[0, 0]], [[1, 1]]])
    >>> intersect, union, *_ = total_intersect_and_union(preds, labels, 2, ignore_index=255)
    >>> intersect.tolist(), union.tolist()
    ([1.0, 2.0], [2.0, 3.0])
    """
    totals = torch.zeros(4, num_classes, dtype=torch.float64)
    try:
        for pred, true in zip(results, gt_seg_maps, strict=True):
            totals += torch.stack(
                intersect_and_union(
                    pred, true, num_classes, ignore_index, label_map, reduce_zero_label
                )
            )
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserAssertionError('there are not as many predictions as label maps') from error
    return tuple(totals)


def eval_metrics(
    results: Iterable[LabelMap],
    gt_seg_maps: Iterable[LabelMap],
    num_classes: int,
    ignore_index: int,
    metrics: str | Sequence[str] = ('mIoU',),
    nan_to_num: float | None = None,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
    beta: float = 1,
) -> Metrics:
    """Measure predictions against label maps.

    Args:
        results: Predicted label maps.
        gt_seg_maps: True label maps, as many.
        num_classes: Classes C.
        ignore_index: Label of pixels that are left out.
        metrics: 'mIoU', 'mDice', 'mFscore', or several of them.
        nan_to_num: Value of classes that occur nowhere, instead of NaN.
        label_map: New label of each old one.
        reduce_zero_label: Whether label 0 is ignored and the others are one less.
        beta: Weight of recall in the F-score.

    Returns:
        See `total_area_to_metrics`.

    >>> preds, labels = torch.tensor([[[0, 1]], [[1, 1]]]), torch.tensor([[[0, 0]], [[1, 0]]])
    >>> metrics = eval_metrics(preds, labels, 2, ignore_index=255, metrics=['mIoU', 'mFscore'])
    >>> float(metrics['aAcc']), metrics['Recall'].round(2).tolist()
    (0.5, [0.33, 1.0])
    """
    areas = total_intersect_and_union(
        results, gt_seg_maps, num_classes, ignore_index, label_map, reduce_zero_label
    )
    return total_area_to_metrics(*areas, metrics, nan_to_num, beta)


def mean_iou(
    results: Labels,
    gt_seg_maps: Labels,
    num_classes: int,
    ignore_index: int,
    *args: Any,
    **kwargs: Any,
) -> Metrics:
    """Measure 'aAcc' and each class's 'IoU' and 'Acc'; as `eval_metrics`.

    >>> preds, labels = torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 0, 0, 1]]])
    >>> mean_iou(preds, labels, num_classes=2, ignore_index=255)['IoU'].round(2).tolist()
    [0.67, 0.5]
    """
    return eval_metrics(results, gt_seg_maps, num_classes, ignore_index, ['mIoU'], *args, **kwargs)


def mean_dice(
    results: Labels,
    gt_seg_maps: Labels,
    num_classes: int,
    ignore_index: int,
    *args: Any,
    **kwargs: Any,
) -> Metrics:
    """Measure 'aAcc' and each class's 'Dice' and 'Acc'; as `eval_metrics`.

    >>> preds, labels = torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 0, 0, 1]]])
    >>> mean_dice(preds, labels, num_classes=2, ignore_index=255)['Dice'].round(2).tolist()
    [0.8, 0.67]
    """
    return eval_metrics(results, gt_seg_maps, num_classes, ignore_index, ['mDice'], *args, **kwargs)


def mean_fscore(
    results: Labels,
    gt_seg_maps: Labels,
    num_classes: int,
    ignore_index: int,
    *args: Any,
    **kwargs: Any,
) -> Metrics:
    """Measure 'aAcc' and each class's 'Fscore', 'Precision' and 'Recall'; as `eval_metrics`.

    >>> preds, labels = torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 0, 0, 1]]])
    >>> mean_fscore(preds, labels, num_classes=2, ignore_index=255)['Precision'].tolist()
    [1.0, 0.5]
    """
    return eval_metrics(
        results, gt_seg_maps, num_classes, ignore_index, ['mFscore'], *args, **kwargs
    )
