"""Metrics of label maps: IoU, Dice, F-score and accuracy, from counts of pairs of classes."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from mmseg.utils.errors import UserError, UserKeyError
from mmseg.utils.label_decoding import decode_label

LabelMap = str | np.ndarray | torch.Tensor
Areas = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
Metrics = dict[str, np.ndarray]

_METRICS = ('mIoU', 'mDice', 'mFscore')


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

    >>> pred, label = np.array([[0, 1, 1, 1]]), np.array([[0, 0, 1, 255]])
    >>> confusion_matrix(pred, label, num_classes=2, ignore_index=255).tolist()
    [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    """
    pred = np.load(pred_label) if isinstance(pred_label, str) else _as_array(pred_label)
    true = decode_label(Path(label).read_bytes()) if isinstance(label, str) else _as_array(label)
    if true is None:
        raise UserError(f'cannot read the label {label}: it is truncated or not an image')
    true = _relabel(true, label_map or {}, reduce_zero_label)
    if pred.shape != true.shape:
        raise UserError(f'a prediction of size {pred.shape} was given for labels of {true.shape}')
    valid = true != ignore_index
    pred = _clip_labels(pred[valid], num_classes)
    true = _clip_labels(true[valid], num_classes)
    pairs = np.bincount(true * (num_classes + 1) + pred, minlength=(num_classes + 1) ** 2)
    return torch.from_numpy(pairs.reshape(num_classes + 1, num_classes + 1)).int()


def areas_of(confusion: torch.Tensor) -> Areas:
    """Sum confusion matrices (…, C + 1, C + 1) up to areas.

    Returns:
        Pixels (…, C) of the intersection, the union, the prediction and the label.

    >>> intersect, union, *_ = areas_of(torch.tensor([[3, 1, 0], [0, 3, 0], [0, 0, 0]]))
    >>> (intersect / union).tolist()
    [0.75, 0.75]
    """
    intersect = confusion.diagonal(dim1=-2, dim2=-1)[..., :-1].clone()
    area_label, area_pred = confusion.sum(-1)[..., :-1], confusion.sum(-2)[..., :-1]
    return intersect, area_pred + area_label - intersect, area_pred, area_label


def total_area_to_metrics(
    total_area_intersect: torch.Tensor,
    total_area_union: torch.Tensor,
    total_area_pred_label: torch.Tensor,
    total_area_label: torch.Tensor,
    metrics: str | Sequence[str] = ('mIoU',),
    nan_to_num: float | None = None,
    beta: float = 1,
) -> Metrics:
    """Turn summed areas (C,) into metrics; as published.

    Args:
        total_area_intersect: Pixels of each class that prediction and label share.
        total_area_union: Pixels that either gives to the class.
        total_area_pred_label: Pixels that the prediction gives to the class.
        total_area_label: Pixels that the label gives to the class.
        metrics: 'mIoU', 'mDice', 'mFscore', or several of them.
        nan_to_num: Value of classes that occur nowhere, instead of NaN.
        beta: Weight of recall in the F-score.

    Returns:
        'aAcc', the share of pixels that are right, and arrays (C,) of fractions in [0, 1]: 'IoU'
        and 'Acc', 'Dice' and 'Acc', or 'Fscore', 'Precision' and 'Recall'.

    Raises:
        UserError: There is no such metric.

    >>> areas = areas_of(torch.tensor([[3.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]]))
    >>> metrics = total_area_to_metrics(*areas)
    >>> metrics['IoU'].tolist(), metrics['Acc'].tolist()
    ([0.75, 0.75], [0.75, 1.0])
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
        score = (1 + beta**2) * (precision * recall) / ((beta**2 * precision) + recall)
        values.update(Fscore=score, Precision=precision, Recall=recall)
    arrays = OrderedDict((name, value.numpy()) for name, value in values.items())
    if nan_to_num is not None:
        arrays = OrderedDict((k, np.nan_to_num(v, nan=nan_to_num)) for k, v in arrays.items())
    return arrays


def metric_names(metrics: str | Sequence[str]) -> list[str]:
    """Return the metrics that are asked for, each once.

    Args:
        metrics: 'mIoU', 'mDice', 'mFscore', or several of them.

    Raises:
        UserError: There is no such metric, or none is asked for.

    >>> metric_names('mIoU'), metric_names(['mDice', 'mIoU', 'mDice'])
    (['mIoU'], ['mDice', 'mIoU'])
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in names if name not in _METRICS]
    if unknown or not names:
        what = f'there is no metric {unknown[0]!r}' if unknown else 'no metric is asked for'
        raise UserKeyError(f'{what}; available: {", ".join(_METRICS)}')
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
