"""The Lovász-Softmax loss (Berman, Rannen Triki and Blaschko, CVPR 2018).

Legend: B images, C classes, P pixels.
"""

from collections.abc import Sequence

import torch
from torch import nn

from mmseg.models.builder import LOSSES
from mmseg.models.losses.utils import (
    class_weight_like,
    labelled_one_hot,
    read_class_weight,
    weight_reduce_loss,
    weighted_pixels,
)
from mmseg.utils.errors import UserAssertionError, UserError


def lovasz_extension(
    errors: torch.Tensor, is_class: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Extend the Jaccard loss of a class to errors between 0 and 1 (section 3 of the paper).

    With errors of only 0 and 1 it is 1 − intersection / union, pixels counted by their weights.

    Args:
        errors: Errors (P,), in [0, 1].
        is_class: Which pixels are of the class (P,), 0 or 1.
        weight: Weight of each pixel (P,), from 0.

    Returns:
        Scalar; 0 where no pixel has any weight.

    >>> is_class, errors = torch.tensor([1.0, 1.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    >>> lovasz_extension(errors, is_class, weight=torch.ones(3))  # 1 of 2 pixels found
    tensor(0.5000)
    """
    errors, order = errors.sort(descending=True)
    truth, weight = (is_class * weight)[order], weight[order]
    # Losing pixels one by one, the worst first: truth leaves the intersection, the rest joins
    # the union.
    intersection = truth.sum() - truth.cumsum(0)
    union = truth.sum() + (weight - truth).cumsum(0)
    jaccard = 1 - intersection / union.clamp_min(torch.finfo(union.dtype).tiny)
    jaccard = torch.where(union > 0, jaccard, 0)
    return (errors * jaccard.diff(prepend=jaccard.new_zeros(1))).sum()


@LOSSES.register_module()
class LovaszLoss(nn.Module):
    """Lovász-Softmax with mmsegmentation's settings.

    Args:
        loss_type: 'multi_class', the only form for networks with an output for each class.
        classes: 'present' in the labels, 'all', or a list of classes: those that are averaged.
        per_image: Whether the loss is that of each image, averaged, instead of the batch's.
        reduction: 'none', 'mean' or 'sum' over the images; without `per_image` there is one value.
        class_weight: One weight per class, or a file of them; see `read_class_weight`.
        loss_weight: Factor of the result.
        loss_name: What it is called in the logs where a head has several losses.
    """

    def __init__(
        self,
        loss_type: str = 'multi_class',
        classes: str | Sequence[int] = 'present',
        per_image: bool = False,
        reduction: str = 'mean',
        class_weight: str | Sequence[float] | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_lovasz',
    ) -> None:
        super().__init__()
        if loss_type != 'multi_class':
            raise UserAssertionError(
                f"LovaszLoss.loss_type: expected 'multi_class', got {loss_type!r}"
            )
        if isinstance(classes, str) and classes not in ('present', 'all'):
            raise UserError(
                f"LovaszLoss.classes: expected 'present', 'all' or a list, got {classes!r}"
            )
        self.classes = classes
        self.per_image = per_image
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
        ignore_index: int = 255,
    ) -> torch.Tensor:
        """Measure the loss; see `DiceLoss.forward` for the arguments.

        Returns:
            A scalar, or one value per image with `per_image` and the reduction 'none'.
        """
        one_hot, valid = labelled_one_hot(label, cls_score.shape[1], ignore_index)
        pixels = weighted_pixels(valid, weight)
        errors = (one_hot - cls_score.softmax(dim=1)).abs()
        class_weight = class_weight_like(cls_score, self.class_weight)
        batch = [part.movedim(1, 0).flatten(2) for part in (errors, one_hot, pixels)]  # (C, B, P)
        if self.per_image:
            images = [[part[:, i] for part in batch] for i in range(len(label))]
        else:
            images = [[part.flatten(1) for part in batch]]
        losses = torch.stack([self._loss(e, o, p, class_weight) for e, o, p in images])
        reduction = reduction_override or self.reduction
        if not self.per_image:
            return self.loss_weight * losses[0]
        return self.loss_weight * weight_reduce_loss(
            losses, reduction=reduction, avg_factor=avg_factor
        )

    def _loss(
        self,
        errors: torch.Tensor,
        one_hot: torch.Tensor,
        pixels: torch.Tensor,
        class_weight: torch.Tensor | None,
    ) -> torch.Tensor:
        """Average the classes' losses over pixels: errors and labels (C, P), weights (1, P)."""
        num_classes = len(errors)
        chosen = range(num_classes) if isinstance(self.classes, str) else self.classes
        losses = torch.stack([lovasz_extension(errors[c], one_hot[c], pixels[0]) for c in chosen])
        if class_weight is not None:
            losses = losses * class_weight[list(chosen)]
        if self.classes != 'present':
            return losses.mean()
        present = (one_hot * pixels).sum(dim=1) > 0
        return (losses * present).sum() / present.sum().clamp_min(1)
