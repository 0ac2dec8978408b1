"""Metrics of label maps: IoU, Dice, F-score, accuracy, with mmsegmentation 0.16's results."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from mmseg.utils.errors import UserError
from mmseg.utils.label_decoding import decode_label

LabelMap = str | np.ndarray | torch.Tensor
Areas = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
Metrics = dict[str, np.ndarray]

_METRICS = ('mIoU', 'mDice', 'mFscore')


def f_score(precision: torch.Tensor, recall: torch.Tensor, beta: float = 1) -> torch.Tensor:
    """Combine precision and recall, both in [0, 1]; recall weighs `beta` times as much."""
    return (1 + beta**2) * (precision * recall) / ((beta**2 * precision) + recall)


def confusion_matrix(
    pred_label: LabelMap,
    label: LabelMap,
    num_classes: int,
    ignore_index: int,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
) -> torch.Tensor:
    """Count the pixels of each pair of true and predicted class.

    Args:
        pred_label: Predicted label map (H, W), or an .npy file of it.
        label: True label map (H, W), or an image file of it.
        num_classes: Classes C; predictions and labels outside [0, C) are in no class.
        ignore_index: Label of pixels that are left out.
        label_map: New label of each old one.
        reduce_zero_label: Whether label 0 is ignored and the others are one less.

    Returns:
        Pixels (C + 1, C + 1) int32, a row for each true class; last, those that are in no class.

    Raises:
        UserError: The maps differ in size.
    """
    pred = np.load(pred_label) if isinstance(pred_label, str) else _as_array(pred_label)
    true = _read_label(label) if isinstance(label, str) else _as_array(label)
    true = _relabel(true, label_map or {}, reduce_zero_label)
    if pred.shape != true.shape:
        raise UserError(f'a prediction of size {pred.shape} was given for labels of {true.shape}')
    valid = true != ignore_index
    pred = _clip_labels(pred[valid], num_classes)
    true = _clip_labels(true[valid], num_classes)
    pairs = np.bincount(true * (num_classes + 1) + pred, minlength=(num_classes + 1) ** 2)
    return torch.from_numpy(pairs.reshape(num_classes + 1, num_classes + 1)).int()


def areas_of(confusion: torch.Tensor) -> Areas:
    """Sum a confusion matrix (C + 1, C + 1) up to areas.

    Returns:
        Pixels (C,) of the intersection, the union, the prediction and the label.
    """
    intersect = confusion.diagonal()[:-1].clone()
    area_label, area_pred = confusion.sum(1)[:-1], confusion.sum(0)[:-1]
    return intersect, area_pred + area_label - intersect, area_pred, area_label


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
        raise UserError('there are not as many predictions as label maps') from error
    return tuple(totals)


def mean_iou(
    results: Iterable[LabelMap],
    gt_seg_maps: Iterable[LabelMap],
    num_classes: int,
    ignore_index: int,
    nan_to_num: float | None = None,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
) -> Metrics:
    """Measure 'aAcc' and each class's 'IoU' and 'Acc'; see `eval_metrics`."""
    return eval_metrics(
        results,
        gt_seg_maps,
        num_classes,
        ignore_index,
        ['mIoU'],
        nan_to_num,
        label_map,
        reduce_zero_label,
    )


def mean_dice(
    results: Iterable[LabelMap],
    gt_seg_maps: Iterable[LabelMap],
    num_classes: int,
    ignore_index: int,
    nan_to_num: float | None = None,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
) -> Metrics:
    """Measure 'aAcc' and each class's 'Dice' and 'Acc'; see `eval_metrics`."""
    return eval_metrics(
        results,
        gt_seg_maps,
        num_classes,
        ignore_index,
        ['mDice'],
        nan_to_num,
        label_map,
        reduce_zero_label,
    )


def mean_fscore(
    results: Iterable[LabelMap],
    gt_seg_maps: Iterable[LabelMap],
    num_classes: int,
    ignore_index: int,
    nan_to_num: float | None = None,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
    beta: float = 1,
) -> Metrics:
    """Measure 'aAcc' and each class's 'Fscore', 'Precision', 'Recall'; see `eval_metrics`."""
    return eval_metrics(
        results,
        gt_seg_maps,
        num_classes,
        ignore_index,
        ['mFscore'],
        nan_to_num,
        label_map,
        reduce_zero_label,
        beta,
    )


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
        'aAcc', the share of pixels that are right, and arrays (C,) of fractions in [0, 1]: 'IoU'
        and 'Acc', 'Dice' and 'Acc', or 'Fscore', 'Precision' and 'Recall'.
    """
    areas = total_intersect_and_union(
        results, gt_seg_maps, num_classes, ignore_index, label_map, reduce_zero_label
    )
    return total_area_to_metrics(*areas, metrics, nan_to_num, beta)


def pre_eval_to_metrics(
    pre_eval_results: Sequence[Areas],
    metrics: str | Sequence[str] = ('mIoU',),
    nan_to_num: float | None = None,
    beta: float = 1,
) -> Metrics:
    """Measure images of which `intersect_and_union` is known; see `eval_metrics`."""
    if not pre_eval_results:
        raise UserError('there is nothing to evaluate: not one image was predicted')
    intersect, union, pred, label = (
        torch.stack(areas).double().sum(0) for areas in zip(*pre_eval_results, strict=True)
    )
    return total_area_to_metrics(intersect, union, pred, label, metrics, nan_to_num, beta)


def total_area_to_metrics(
    total_area_intersect: torch.Tensor,
    total_area_union: torch.Tensor,
    total_area_pred_label: torch.Tensor,
    total_area_label: torch.Tensor,
    metrics: str | Sequence[str] = ('mIoU',),
    nan_to_num: float | None = None,
    beta: float = 1,
) -> Metrics:
    """Turn summed areas (C,) into metrics; see `eval_metrics`.

    Raises:
        UserError: There is no such metric.
    """
    metrics = metric_names(metrics)
    intersect, label, pred = total_area_intersect, total_area_label, total_area_pred_label
    recall = intersect / label
    values = OrderedDict(aAcc=intersect.sum() / label.sum())
    if 'mIoU' in metrics:
        values.update(IoU=intersect / total_area_union, Acc=recall)
    if 'mDice' in metrics:
        values.update(Dice=2 * intersect / (pred + label), Acc=recall)
    if 'mFscore' in metrics:
        precision = intersect / pred
        values.update(Fscore=f_score(precision, recall, beta), Precision=precision, Recall=recall)
    arrays = OrderedDict((name, value.numpy()) for name, value in values.items())
    if nan_to_num is not None:
        arrays = OrderedDict((k, np.nan_to_num(v, nan=nan_to_num)) for k, v in arrays.items())
    return arrays


def _read_label(path: str) -> np.ndarray:
    label = decode_label(Path(path).read_bytes())
    if label is None:
        raise UserError(f'cannot read the label {path}: it is truncated or not an image')
    return label


def metric_names(metrics: str | Sequence[str]) -> list[str]:
    """Return the metrics that are asked for, each once.

    Args:
        metrics: 'mIoU', 'mDice', 'mFscore', or several of them.

    Raises:
        UserError: There is no such metric, or none is asked for.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in names if name not in _METRICS]
    if unknown or not names:
        what = f'there is no metric {unknown[0]!r}' if unknown else 'no metric is asked for'
        raise UserError(f'{what}; available: {", ".join(_METRICS)}')
    return list(dict.fromkeys(names))


def _as_array(labels: np.ndarray | torch.Tensor) -> np.ndarray:
    return labels.cpu().numpy() if isinstance(labels, torch.Tensor) else np.asarray(labels)


def _relabel(
    label: np.ndarray, label_map: Mapping[int, int], reduce_zero_label: bool
) -> np.ndarray:
    """Apply `label_map` (to the old labels, all at once), then the shift by one."""
    if label_map:
        old = label
        label = label.copy()
        for before, after in label_map.items():
            label[old == before] = after
    if reduce_zero_label:
        label = np.where((label == 0) | (label == 255), 255, label.astype(np.int64) - 1)
    return label


def _clip_labels(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Gather all labels outside [0, C) in one more class, C."""
    labels = labels.astype(np.int64)
    labels[(labels < 0) | (labels > num_classes)] = num_classes
    return labels
