"""An optimizer step that a loss or a gradient that is not finite cannot spoil."""

import math

import torch

# A plain boolean, or one that is still on the device.
Outcome = bool | torch.Tensor


def step_if_finite(optimizer: torch.optim.Optimizer, loss: float | torch.Tensor) -> Outcome:
    """Take an optimizer step unless the loss or a gradient is infinite or no number.

    Args:
        optimizer: Its parameters' gradients are there.
        loss: What they are the gradients of, averaged over processes: all decide alike.

    Returns:
        As `step_where`.
    """
    return step_where(all_finite(optimizer, loss), optimizer)


def step_where(is_finite: torch.Tensor, optimizer: torch.optim.Optimizer) -> Outcome:
    """Take an optimizer step if a boolean on the device says so.

    Args:
        is_finite: Whether to.
        optimizer: Its parameters' gradients are there.

    Returns:
        Whether the step was taken: a boolean on the device if the optimizer is a fused one, which
        takes the decision there, else a plain one, for which the host has to wait.
    """
    if not all(group.get('fused') for group in optimizer.param_groups):
        has_stepped = bool(is_finite)
        if has_stepped:
            optimizer.step()
        return has_stepped
    # What gradient scalers tell fused optimizers: a step with infinities changes nothing.
    optimizer.found_inf = (~is_finite).float()  # type: ignore[attr-defined]
    try:
        optimizer.step()
    finally:
        del optimizer.found_inf  # type: ignore[attr-defined]
    return is_finite


def all_finite(optimizer: torch.optim.Optimizer, loss: float | torch.Tensor) -> torch.Tensor:
    """Return whether the loss and all gradients are finite, a boolean on their device."""
    parameters = (p for group in optimizer.param_groups for p in group['params'])
    grads = [p.grad for p in parameters if p.grad is not None]
    values = list(torch._foreach_norm(grads)) if grads else []
    if isinstance(loss, torch.Tensor):
        values.append(loss.detach().to(torch.float32))
    is_finite = torch.stack(values).isfinite().all() if values else torch.tensor(True)
    return is_finite if isinstance(loss, torch.Tensor) else is_finite & math.isfinite(loss)
