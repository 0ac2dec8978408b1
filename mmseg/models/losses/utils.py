"""Labels, weights and reductions that losses share."""

from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
import torch
import torch.nn.functional as F

from mmseg.utils.errors import UserAssertionError, UserError


def reduce_loss(loss: torch.Tensor, reduction: str) -> torch.Tensor:
    """Reduce a loss of any shape.

    Args:
        loss: Values.
        reduction: 'none', 'mean' or 'sum'.

    Returns:
        `loss` itself, or a scalar.

    Raises:
        UserError: Another reduction was asked for.

    >>> reduce_loss(torch.tensor([1.0, 3.0]), 'mean')
    tensor(2.)
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
        weight: Weights of the same shape, or of size 1 where they are the same for all.
        reduction: 'none', 'mean' or 'sum'. The mean divides by the number of values, whatever
            their weights.
        avg_factor: Divisor of the mean, in place of the number of values.

    Returns:
        The weighted values, or a scalar.

    Raises:
        UserError: `avg_factor` was given with the reduction 'sum', or the shapes do not fit.

    >>> losses, weight = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 0.0])
    >>> weight_reduce_loss(losses, weight), weight_reduce_loss(losses, weight, avg_factor=1)
    (tensor(0.5000), tensor(1.))
    """
    if weight is not None:
        fits = weight.dim() == loss.dim() and all(
            own in (1, other) for own, other in zip(weight.shape, loss.shape, strict=True)
        )
        if not fits:
            raise UserAssertionError(
                f'expected weights of the shape {tuple(loss.shape)} of the loss, got '
                f'{tuple(weight.shape)}'
            )
        loss = loss * weight
    if avg_factor is None or reduction == 'none':
        return reduce_loss(loss, reduction)
    if reduction != 'mean':
        raise UserError(f"avg_factor needs the reduction 'mean' or 'none', not {reduction!r}")
    return loss.sum() / avg_factor


def read_class_weight(class_weight: str | Sequence[float] | None) -> Sequence[float] | None:
    """Return one weight per class, read from a file where a path is given.

    Args:
        class_weight: The weights, or a JSON, YAML or .npy file of them, or None.

    Raises:
        UserError: The file is missing or holds no list of numbers.

    >>> read_class_weight([0.8, 1.2])
    [0.8, 1.2]
    >>> read_class_weight('gone.json')
    Traceback (most recent call last):
    mmseg.utils.errors.UserError: class_weight: expected a .json, .yaml or .npy file...
    """
    if not isinstance(class_weight, str):
        return class_weight
    try:
        if class_weight.endswith('.npy'):
            return np.load(class_weight).astype(float).tolist()
        # files of other kinds could run code
        handler = {'.json': 'json', '.yaml': 'yaml', '.yml': 'yaml'}[Path(class_weight).suffix]
        return [float(weight) for weight in mmcv.load(class_weight, file_format=handler)]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            'class_weight: expected a .json, .yaml or .npy file of one number a class, got '
            f'{class_weight}: {error!r}'
        ) from error


def class_weight_like(
    logits: torch.Tensor, class_weight: Sequence[float] | None
) -> torch.Tensor | None:
    """Return one weight per class (C,) on the device of logits (B, C, ...), or None.

    Raises:
        UserError: There are not as many weights as classes.

    >>> class_weight_like(torch.zeros(1, 2, 4, 4), [0.5, 1.5])
    tensor([0.5000, 1.5000])
    """
    if class_weight is None:
        return None
    if len(class_weight) != logits.shape[1]:
        raise UserError(
            f'class_weight has {len(class_weight)} entries for {logits.shape[1]} classes'
        )
    return logits.new_tensor(class_weight)


def weighted_pixels(valid: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """Weigh the labelled pixels.

    Args:
        valid: Whether a pixel is labelled (B, 1, H, W).
        weight: Weight of each pixel (B, H, W), or None.

    Returns:
        Weights (B, 1, H, W), 0 where nothing is labelled.

    Raises:
        UserError: The shapes do not fit.

    >>> valid = torch.tensor([[[[1.0, 0.0]]]])
    >>> weighted_pixels(valid, torch.tensor([[[0.5, 0.5]]])).tolist()
    [[[[0.5, 0.0]]]]
    """
    if weight is None:
        return valid
    if weight.shape != valid[:, 0].shape:
        raise UserAssertionError(
            f'expected a weight for each pixel, {tuple(valid[:, 0].shape)}, got '
            f'{tuple(weight.shape)}'
        )
    return valid * weight[:, None]


def labelled_one_hot(
    label: torch.Tensor, num_classes: int, ignore_index: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Say of every pixel which class it shows, and whether it is labelled.

    Args:
        label: Labels (B, H, W) in [0, C), or `ignore_index`.
        num_classes: C.
        ignore_index: Label of pixels that show none.

    Returns:
        Whether a pixel is of a class (B, C, H, W), and whether it is labelled (B, 1, H, W), as
        float32.

    >>> label = torch.tensor([[[1, 255]]])
    >>> one_hot, valid = labelled_one_hot(label, num_classes=2, ignore_index=255)
    >>> one_hot.tolist(), valid.tolist()
    ([[[[0.0, 0.0]], [[1.0, 0.0]]]], [[[[1.0, 0.0]]]])
    """
    valid = label.ne(ignore_index)[:, None]
    one_hot = F.one_hot(label.masked_fill(~valid[:, 0], 0), num_classes).movedim(-1, 1)
    return (one_hot * valid).float(), valid.float()
