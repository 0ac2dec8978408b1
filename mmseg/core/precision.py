"""In which floating-point type a training step computes; the weights always stay float32."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from mmseg.utils.errors import UserError

from .guarded_step import Outcome, all_finite, step_if_finite

_AUTOCAST_TYPES = {'bf16': torch.bfloat16, 'fp16': torch.float16}


class Precision:
    """Autocast for networks and, in float16, a loss scale that keeps small gradients.

    Only networks run under `autocast`; what is done to their outputs (views, losses of the
    instance level, the bank) stays in float32. Nothing here waits for the device.

    Args:
        amp: None for float32, 'bf16' or 'fp16' for that type wherever autocast deems it safe.
        device: Where the networks are.

    Raises:
        UserError: There is no such type, or the GPU lacks it.
    """

    def __init__(self, amp: str | None = None, device: torch.device | str = 'cpu') -> None:
        if amp is not None and amp not in _AUTOCAST_TYPES:
            raise UserError(f'amp: expected null or {sorted(_AUTOCAST_TYPES)}, got {amp!r}')
        self._device_type = torch.device(device).type
        if amp == 'bf16' and self._device_type == 'cuda' and not _has_bfloat16():
            raise UserError("amp='bf16': this GPU has no bfloat16 arithmetic; set amp='fp16'")
        self.dtype = None if amp is None else _AUTOCAST_TYPES[amp]
        self._scaler = torch.amp.GradScaler(self._device_type) if amp == 'fp16' else None

    def autocast(self) -> torch.autocast:
        """Return a context in which networks run in this precision."""
        return torch.autocast(self._device_type, self.dtype, enabled=self.dtype is not None)

    def around_step(self, model: Any) -> AbstractContextManager[Any]:
        """Return the context that a model's training step is to run in.

        A model that has `precision` is handed this one and enters `autocast` by itself.
        """
        if not hasattr(model, 'precision'):
            return self.autocast()
        model.precision = self
        return nullcontext()

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a scalar loss, scaled in float16, to those of the weights."""
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the loss scale out of the gradients, for those who want to change them."""
        if self._scaler is not None:
            self._scaler.unscale_(optimizer)

    def without_scale(self, norm: torch.Tensor) -> torch.Tensor:
        """Return the norm that scaled gradients would have without the loss scale."""
        return norm if self._scaler is None else norm / self._scaler.scale(torch.ones_like(norm))

    def step(self, optimizer: torch.optim.Optimizer, loss: float | torch.Tensor) -> Outcome:
        """Take an optimizer step unless something is not finite; see `step_if_finite`.

        In float16 that happens now and then, and the loss scale becomes smaller.

        Args:
            optimizer: Its parameters' gradients are there, scaled in float16.
            loss: What they are the gradients of, averaged over processes.

        Returns:
            Whether the step was taken.
        """
        if self._scaler is None:
            return step_if_finite(optimizer, loss)
        is_finite = all_finite(optimizer, loss)
        # The scaler looks at gradients alone.
        gradient = next(p.grad for p in _parameters(optimizer) if p.grad is not None)
        gradient.masked_fill_(~is_finite, float('nan'))
        self._scaler.step(optimizer)
        self._scaler.update()
        return is_finite

    def state_dict(self) -> dict[str, Any]:
        """Return the loss scale and its history as plain numbers; empty but for float16."""
        return {} if self._scaler is None else self._scaler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a loss scale; one of a run in another precision has no meaning here."""
        if self._scaler is not None and state:
            self._scaler.load_state_dict(dict(state))


def _has_bfloat16() -> bool:
    return torch.cuda.is_bf16_supported(including_emulation=False)


def _parameters(optimizer: torch.optim.Optimizer) -> Iterator[torch.Tensor]:
    return (p for group in optimizer.param_groups for p in group['params'])
