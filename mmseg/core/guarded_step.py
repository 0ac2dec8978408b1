"""An optimizer step that a loss or a gradient that is not finite cannot spoil."""

import math

import torch


def step_if_finite(optimizer: torch.optim.Optimizer, loss: float) -> bool:
    """Take an optimizer step unless the loss or a gradient is infinite or no number.

    Args:
        optimizer: Its parameters' gradients are there.
        loss: What they are the gradients of, averaged over processes: all decide alike.

    Returns:
        Whether the step was taken.
    """
    is_finite = math.isfinite(loss) and _gradients_are_finite(optimizer)
    if is_finite:
        optimizer.step()
    return is_finite


def _gradients_are_finite(optimizer: torch.optim.Optimizer) -> bool:
    parameters = (p for group in optimizer.param_groups for p in group['params'])
    grads = [p.grad for p in parameters if p.grad is not None]
    return not grads or bool(torch.stack(torch._foreach_norm(grads)).isfinite().all())
