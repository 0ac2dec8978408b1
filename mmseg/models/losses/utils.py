"""Weighting and reduction that losses share."""

import torch

from mmseg.utils.errors import UserError


def reduce_loss(loss: torch.Tensor, reduction: str) -> torch.Tensor:
    """Reduce a loss of any shape.

    Args:
        loss: Values.
        reduction: 'none', 'mean' or 'sum'.

    Returns:
        `loss` itself, or a scalar.

    Raises:
        UserError: Another reduction was asked for.
    """
    if reduction == 'none':
        return loss
    if reduction == 'mean':
        return loss.mean()
    if reduction == 'sum':
        return loss.sum()
    raise UserError(f"reduction is {reduction!r}; expected 'none', 'mean' or 'sum'")


def weight_reduce_loss(
    loss: torch.Tensor,
    weight: torch.Tensor | None = None,
    reduction: str = 'mean',
    avg_factor: float | None = None,
) -> torch.Tensor:
    """Weigh a loss, then reduce it.

    Args:
        loss: Values, any shape.
        weight: Weights of the same shape, or broadcastable over the last dimension.
        reduction: 'none', 'mean' or 'sum'. The mean divides by the number of values, whatever
            their weights.
        avg_factor: Divisor of the mean, in place of the number of values.

    Returns:
        The weighted values, or a scalar.

    Raises:
        UserError: `avg_factor` was given with the reduction 'sum'.
    """
    if weight is not None:
        loss = loss * weight
    if avg_factor is None or reduction == 'none':
        return reduce_loss(loss, reduction)
    if reduction != 'mean':
        raise UserError(f"avg_factor needs the reduction 'mean' or 'none', not {reduction!r}")
    return loss.sum() / avg_factor
