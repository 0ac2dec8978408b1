"""Cross entropy over pixels, with pixel and class weights.

Legend: B images, C classes, K masks.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mmseg.models.builder import LOSSES
from mmseg.models.losses.utils import class_weight_like, read_class_weight, weight_reduce_loss
from mmseg.utils.errors import UserAssertionError


def cross_entropy(
    pred: torch.Tensor,
    label: torch.Tensor,
    weight: torch.Tensor | None = None,
    class_weight: torch.Tensor | None = None,
    reduction: str = 'mean',
    avg_factor: float | None = None,
    ignore_index: int = -100,
) -> torch.Tensor:
    """Measure the cross entropy of softmaxed logits.

    Args:
        pred: Logits (B, C, ...).
        label: Labels (B, ...) in [0, C), or `ignore_index`.
        weight: Weight of each pixel (B, ...).
        class_weight: Weight of each class (C,).
        reduction: 'none', 'mean' or 'sum'. The mean is over all pixels, ignored ones and those
            of weight 0 counted in the divisor.
        avg_factor: Divisor of the mean in place of the number of pixels.
        ignore_index: Label of pixels whose loss is 0.

    Returns:
        A scalar, or (B, ...) with 'none'.

    >>> logits, labels = torch.zeros(1, 4, 2), torch.tensor([[0, 255]])
    >>> cross_entropy(logits, labels, ignore_index=255)  # log 4, by two pixels
    tensor(0.6931)
    """
    loss = F.cross_entropy(
        pred, label, weight=class_weight, reduction='none', ignore_index=ignore_index
    )
    return weight_reduce_loss(
        loss, None if weight is None else weight.to(loss.dtype), reduction, avg_factor
    )


def binary_cross_entropy(
    pred: torch.Tensor,
    label: torch.Tensor,
    weight: torch.Tensor | None = None,
    reduction: str = 'mean',
    avg_factor: float | None = None,
    class_weight: torch.Tensor | None = None,
    ignore_index: int = 255,
) -> torch.Tensor:
    """Measure the binary cross entropy of every class's logits against the one-hot labels.

    Args:
        pred: Logits (B, C, ...).
        label: Labels (B, ...) in [0, C) or `ignore_index`, or targets (B, C, ...) in [0, 1].
        weight: Weight of each pixel (B, ...).
        reduction: 'none', 'mean' or 'sum'; the mean is over all B * C * ... values.
        avg_factor: Divisor of the mean in place of the number of values.
        class_weight: Weight of each class's positive targets (C,).
        ignore_index: Label of pixels whose loss is 0.

    Returns:
        A scalar, or (B, C, ...) with 'none'.

    >>> logits, labels = torch.zeros(1, 4, 2), torch.tensor([[0, 255]])
    >>> binary_cross_entropy(logits, labels)  # four times log 2, by eight values
    tensor(0.3466)
    """
    if pred.dim() != label.dim():
        valid = label.ne(ignore_index)
        one_hot = F.one_hot(label.masked_fill(~valid, 0), pred.shape[1]).movedim(-1, 1)
        label = one_hot * valid.unsqueeze(1)
        kept = valid.unsqueeze(1).to(pred.dtype)
        weight = kept if weight is None else kept * weight.unsqueeze(1)
    if class_weight is not None:
        class_weight = class_weight.view(-1, *[1] * (pred.dim() - 2))
    loss = F.binary_cross_entropy_with_logits(
        pred, label.to(pred.dtype), pos_weight=class_weight, reduction='none'
    )
    return weight_reduce_loss(loss, weight, reduction, avg_factor)


def mask_cross_entropy(
    pred: torch.Tensor,
    target: torch.Tensor,
    label: torch.Tensor,
    reduction: str = 'mean',
    avg_factor: float | None = None,
    class_weight: torch.Tensor | None = None,
    ignore_index: int | None = None,
) -> torch.Tensor:
    """Measure the binary cross entropy of one class's mask per sample.

    Args:
        pred: Logits of masks (K, C, H, W).
        target: Masks (K, H, W) in [0, 1].
        label: Which class's mask is meant (K,).
        reduction: Only 'mean'.
        avg_factor: Must be None.
        class_weight: Weight of each class (C,); as published it is not supported with masks.
        ignore_index: Must be None.

    Returns:
        A tensor (1,).

    Raises:
        UserError: An argument that masks do not support was given.

    >>> logits, masks = torch.zeros(5, 3, 2, 2), torch.ones(5, 2, 2)
    >>> mask_cross_entropy(logits, masks, label=torch.tensor([0, 2, 1, 1, 0]))
    tensor([0.6931])
    """
    if reduction != 'mean' or avg_factor is not None or ignore_index is not None:
        raise UserAssertionError(
            'masks support neither another reduction, avg_factor nor ignore_index'
        )
    chosen = pred[torch.arange(pred.shape[0], device=pred.device), label]
    weight = None if class_weight is None else class_weight[label].view(-1, 1, 1)
    loss = F.binary_cross_entropy_with_logits(chosen, target.to(pred.dtype), weight)
    return loss[None]


@LOSSES.register_module()
class CrossEntropyLoss(nn.Module):
    """Cross entropy with mmsegmentation 0.16's settings and its mean over all pixels.

    Args:
        use_sigmoid: Score every class by itself instead of by softmax.
        use_mask: Score one class's mask per sample.
        reduction: 'none', 'mean' or 'sum'.
        class_weight: One weight per class, or a file of them; see `read_class_weight`.
        loss_weight: Factor of the result.
        loss_name: What it is called in the logs where a head has several losses.
    """

    def __init__(
        self,
        use_sigmoid: bool = False,
        use_mask: bool = False,
        reduction: str = 'mean',
        class_weight: str | Sequence[float] | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__()
        if use_sigmoid and use_mask:
            raise UserAssertionError('use_sigmoid and use_mask exclude each other: set one of them')
        self.use_sigmoid = use_sigmoid
        self.use_mask = use_mask
        self.reduction = reduction
        self.class_weight = read_class_weight(class_weight)
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        cls_score: torch.Tensor,
        label: torch.Tensor,
        weight: torch.Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Measure the loss.

        Args:
            cls_score: Logits (B, C, H, W).
            label: Labels (B, H, W).
            weight: Weight of each pixel (B, H, W); with masks, the class of each sample.
            avg_factor: Divisor of the mean in place of the number of pixels.
            reduction_override: Takes the place of `reduction`.
            **kwargs: `ignore_index`.

        Returns:
            A scalar, or one value per pixel with the reduction 'none'.

        Raises:
            UserError: There are not as many class weights as classes.
        """
        criterion: Callable[..., torch.Tensor] = cross_entropy
        if self.use_sigmoid or self.use_mask:
            criterion = binary_cross_entropy if self.use_sigmoid else mask_cross_entropy
        return self.loss_weight * criterion(
            cls_score,
            label,
            weight,
            class_weight=class_weight_like(cls_score, self.class_weight),
            reduction=reduction_override or self.reduction,
            avg_factor=avg_factor,
            **kwargs,
        )
