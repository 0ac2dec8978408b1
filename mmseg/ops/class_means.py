"""Class vectors: the mean embedding of each class over its pixels.

B images, D channels, C classes, h×w embedding size, H×W label size.
"""

import torch
import torch.nn.functional as F

from .resize import linear_matrix


def class_means(
    features: torch.Tensor,
    labels: torch.Tensor,
    num_classes: int,
    ignore_index: int = 255,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Average the features of each class over all its pixels in the batch (DIDA, section 3.3).

    The result is that of bilinearly upsampling the features to the label size. Instead the one-hot
    labels are brought down with the transpose of the upsampling, which is exact and costs
    (H·W)/(h·w) times less.

    Args:
        features: Embeddings (B, D, h, w).
        labels: Class ids (B, 1, H, W) in [0, num_classes) or `ignore_index`.
        num_classes: C.
        ignore_index: Label of pixels that count for no class.

    Returns:
        Means (C, D), zero for classes without a pixel, and pixel counts (C,) int64.

    >>> features, labels = torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[0, 1]]]])
    >>> means, counts = class_means(features, labels, num_classes=3)
    >>> means.flatten().tolist(), counts.tolist()
    ([1.0, 3.0, 0.0], [1, 1, 0])
    """
    labels = labels[:, 0]
    # A spare class takes the ignored pixels, so that one-hot stays in range.
    known = labels.long().masked_fill(labels == ignore_index, num_classes)
    masks = F.one_hot(known, num_classes + 1)[..., :num_classes].permute(0, 3, 1, 2)
    counts = masks.sum((0, 2, 3))
    (height, width), (rows, columns) = labels.shape[-2:], features.shape[-2:]
    masks = masks.to(features.dtype)
    if (height, width) != (rows, columns):
        down_rows = linear_matrix(rows, height, features.device).T.to(features.dtype)
        down_columns = linear_matrix(columns, width, features.device).to(features.dtype)
        masks = down_rows @ (masks @ down_columns)
    sums = torch.einsum('bchw,bdhw->cd', masks, features)
    return sums / counts.clamp(min=1)[:, None].to(features.dtype), counts


def boundary_mask(labels: torch.Tensor, ignore_index: int = 255) -> torch.Tensor:
    """Mark pixels whose 3×3 neighbourhood holds at least two classes (DIDA, section 3.3).

    Args:
        labels: Class ids (B, 1, H, W); `ignore_index` is no class.
        ignore_index: Label of pixels without a class.

    Returns:
        Mask (B, 1, H, W) bool; ignored pixels are never marked.

    >>> boundary_mask(torch.tensor([[[[0, 0, 0, 1, 1]]]])).int().tolist()
    [[[[0, 0, 1, 1, 0]]]]
    """
    ignored = labels == ignore_index
    values = labels.float()
    highest = F.max_pool2d(values.masked_fill(ignored, -1), 3, stride=1, padding=1)
    lowest = -F.max_pool2d(-values.masked_fill(ignored, float('inf')), 3, stride=1, padding=1)
    return (highest > lowest) & ~ignored
