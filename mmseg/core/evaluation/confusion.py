"""Counting pairs of true and predicted classes where the predictions are."""

import torch

from mmseg.utils.errors import UserError


def count_pairs(
    pred: torch.Tensor, labels: torch.Tensor, num_classes: int, ignore_index: int
) -> torch.Tensor:
    """Count the pixels of each pair of true and predicted class, image by image.

    Args:
        pred: Predicted classes (B, H, W) on any device.
        labels: True classes (B, H, W), there too.
        num_classes: C; predictions and labels outside [0, C) are in one more class.
        ignore_index: Label of pixels that are left out.

    Returns:
        Pixels (B, C + 1, C + 1) int64 on the device, a row for each true class.

    Raises:
        UserError: Sizes differ.
    """
    if pred.shape != labels.shape:
        sizes = f'{tuple(pred.shape[1:])} was given for labels of {tuple(labels.shape[1:])}'
        raise UserError(f'a prediction of size {sizes}')
    batch, side = len(pred), num_classes + 1
    ignored = labels == ignore_index
    pred, labels = (_gather_outside(classes, num_classes) for classes in (pred, labels))
    # Ignored pixels go to a row of their own, which is cut off.
    rows = labels.masked_fill(ignored, side)
    pairs = (rows * side + pred).flatten(1)
    counts = pairs.new_zeros(batch, (side + 1) * side)
    counts.scatter_add_(1, pairs, torch.ones_like(pairs))
    return counts.view(batch, side + 1, side)[:, :side]


def _gather_outside(classes: torch.Tensor, num_classes: int) -> torch.Tensor:
    classes = classes.long()
    return classes.masked_fill((classes < 0) | (classes > num_classes), num_classes)
