"""Counting pairs of true and predicted classes where the predictions are."""

import torch

from mmseg.utils.errors import UserError

# Pixels at a time: int64 numbers of all of a large image would be its largest tensors.
_STRIP_PIXELS = 1 << 22


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

    >>> pred, labels = torch.tensor([[[0, 1, 1, 1]]]), torch.tensor([[[0, 0, 1, 255]]])
    >>> count_pairs(pred, labels, num_classes=2, ignore_index=255).tolist()
    [[[1, 1, 0], [0, 1, 0], [0, 0, 0]]]
    """
    if pred.shape != labels.shape:
        sizes = f'{tuple(pred.shape[1:])} was given for labels of {tuple(labels.shape[1:])}'
        raise UserError(f'a prediction of size {sizes}')
    batch, side = len(pred), num_classes + 1
    counts = torch.zeros(batch, (side + 1) * side, dtype=torch.int64, device=pred.device)
    num_rows = max(1, _STRIP_PIXELS // max(batch * pred.shape[2], 1))
    for some_pred, some_labels in zip(
        pred.split(num_rows, 1), labels.split(num_rows, 1), strict=True
    ):
        ignored = some_labels == ignore_index
        columns, rows = (_gather_outside(c, num_classes) for c in (some_pred, some_labels))
        # Ignored pixels go to a row of their own, which is cut off.
        pairs = (rows.masked_fill(ignored, side) * side + columns).flatten(1)
        counts.scatter_add_(1, pairs, torch.ones_like(pairs))
    return counts.view(batch, side + 1, side)[:, :side]


def _gather_outside(classes: torch.Tensor, num_classes: int) -> torch.Tensor:
    classes = classes.long()
    return classes.masked_fill((classes < 0) | (classes > num_classes), num_classes)
