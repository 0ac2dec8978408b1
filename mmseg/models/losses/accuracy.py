"""Share of pixels that are labelled right."""

from collections.abc import Sequence

import torch
from torch import nn

from mmseg.utils.errors import UserAssertionError


def accuracy(
    pred: torch.Tensor,
    target: torch.Tensor,
    topk: int | Sequence[int] = 1,
    thresh: float | None = None,
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Measure top-k accuracy; ignored pixels count as wrong, as in mmsegmentation 0.16.

    Args:
        pred: Scores (B, C, ...).
        target: Labels (B, ...).
        topk: A pixel is right if its label is among the k highest scores.
        thresh: Scores at or below it never make a pixel right.

    Returns:
        Percentages of shape (1,): one if `topk` is a number, else a tuple of them.

    Raises:
        UserError: The shapes do not fit, or there are fewer classes than k.

    >>> scores = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
    >>> accuracy(scores, torch.tensor([0, 2])), accuracy(scores, torch.tensor([0, 2]), topk=2)
    (tensor([50.]), tensor([100.]))
    """
    if pred.shape[:1] + pred.shape[2:] != target.shape:
        raise UserAssertionError(
            f'expected labels (B, ...) for scores (B, C, ...), got {tuple(target.shape)} for '
            f'{tuple(pred.shape)}'
        )
    ks = (topk,) if isinstance(topk, int) else tuple(topk)
    if max(ks) > pred.shape[1]:
        raise UserAssertionError(f'the top {max(ks)} of {pred.shape[1]} classes were asked for')
    if target.numel() == 0:
        results = tuple(pred.new_zeros(1) for _ in ks)
    else:
        # the one-hot of rank k is never needed: max is several times faster than topk
        values, labels = pred.max(1, keepdim=True) if max(ks) == 1 else pred.topk(max(ks), dim=1)
        correct = labels.eq(target.unsqueeze(1))
        if thresh is not None:
            correct &= values > thresh
        results = tuple(correct[:, :k].sum().float().view(1) * (100.0 / target.numel()) for k in ks)
    return results[0] if isinstance(topk, int) else results


class Accuracy(nn.Module):
    """`accuracy` as a module.

    Args:
        topk: See `accuracy`.
        thresh: See `accuracy`.
    """

    def __init__(self, topk: int | Sequence[int] = (1,), thresh: float | None = None) -> None:
        super().__init__()
        self.topk = topk
        self.thresh = thresh

    def forward(
        self, pred: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Measure the accuracy of scores (B, C, ...) against labels (B, ...)."""
        return accuracy(pred, target, self.topk, self.thresh)
