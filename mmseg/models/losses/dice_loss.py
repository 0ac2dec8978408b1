"""One minus the Dice coefficient of each class, from probabilities (Milletari et al., 3DV 2016).

Legend: B images, C classes.
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
from mmseg.utils.errors import UserError


def dice_loss(
    probs: torch.Tensor,
    one_hot: torch.Tensor,
    weight: torch.Tensor,
    smooth: float = 1.0,
    exponent: float = 2.0,
) -> torch.Tensor:
    """Compute 1 − (2 Σ w·p·y + s) / (Σ w·(pᵉ + yᵉ) + s) over the pixels of each image and class.

    Args:
        probs: Probabilities p (B, C, H, W).
        one_hot: Labels y (B, C, H, W) in {0, 1}.
        weight: Weight w of each pixel (B, 1, H, W), 0 where nothing is labelled.
        smooth: s, which also makes the loss of an absent class that is not predicted 0.
        exponent: e.

    Returns:
        Losses (B, C).

    >>> one_hot = torch.eye(2).view(1, 2, 1, 2)
    >>> dice_loss(torch.full_like(one_hot, 0.5), one_hot, weight=torch.ones(1, 1, 1, 2))
    tensor([[0.2000, 0.2000]])
    """
    overlap = (weight * probs * one_hot).sum(dim=(2, 3))
    sizes = (weight * (probs.pow(exponent) + one_hot)).sum(dim=(2, 3))
    return 1 - (2 * overlap + smooth) / (sizes + smooth)


@LOSSES.register_module()
class DiceLoss(nn.Module):
    """Dice loss with mmsegmentation's settings: the mean over images and classes.

    Unlike there, ignored pixels count nowhere, and the weights of pixels (pseudo labels, hard
    example mining) are heeded.

    Args:
        smooth: Added to numerator and denominator.
        exponent: Of the probabilities in the denominator.
        reduction: 'none' (one value an image), 'mean' or 'sum'.
        class_weight: One weight per class, or a file of them; the sum is divided by their number
            all the same.
        loss_weight: Factor of the result.
        ignore_index: As the head's, or None.
        loss_name: What it is called in the logs where a head has several losses.
    """

    def __init__(
        self,
        smooth: float = 1.0,
        exponent: float = 2.0,
        reduction: str = 'mean',
        class_weight: str | Sequence[float] | None = None,
        loss_weight: float = 1.0,
        ignore_index: int | None = None,
        loss_name: str = 'loss_dice',
    ) -> None:
        super().__init__()
        if smooth < 0 or exponent <= 0:
            raise UserError(
                'DiceLoss: expected smooth from 0 and exponent above 0, got '
                f'smooth={smooth}, exponent={exponent}'
            )
        self.smooth = smooth
        self.exponent = exponent
        self.reduction = reduction
        self.class_weight = read_class_weight(class_weight)
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
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
        """Measure the loss.

        Args:
            cls_score: Logits (B, C, H, W).
            label: Labels (B, H, W).
            weight: Weight of each pixel (B, H, W).
            avg_factor: Divisor of the mean in place of the number of images.
            reduction_override: Takes the place of `reduction`.
            ignore_index: Label of pixels that count nowhere.

        Returns:
            A scalar, or one value per image with the reduction 'none'.

        Raises:
            UserError: The class weights or the ignore index do not fit.
        """
        if self.ignore_index not in (None, ignore_index):
            raise UserError(
                f'DiceLoss.ignore_index is {self.ignore_index} and its head ignores '
                f'{ignore_index}: leave it out'
            )
        one_hot, valid = labelled_one_hot(label, cls_score.shape[1], ignore_index)
        pixels = weighted_pixels(valid, weight)
        probs = cls_score.softmax(dim=1)
        losses = dice_loss(probs, one_hot, pixels, self.smooth, self.exponent)
        class_weight = class_weight_like(cls_score, self.class_weight)
        if class_weight is not None:
            losses = losses * class_weight
        reduction = reduction_override or self.reduction
        return self.loss_weight * weight_reduce_loss(
            losses.mean(dim=1), reduction=reduction, avg_factor=avg_factor
        )
