"""In which floating-point type a training step computes; the weights always stay float32."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from mmseg.utils.errors import UserError, nearest

from .guarded_step import Outcome, all_finite, step_where

_AUTOCAST_TYPES = {'bf16': torch.bfloat16, 'fp16': torch.float16}
_SCALE_SETTINGS = ('init_scale', 'growth_factor', 'backoff_factor', 'growth_interval')


class Precision:
    """Autocast for networks and, in float16, a loss scale that keeps small gradients.

    Only networks run under `autocast`; what is done to their outputs (views, losses of the
    instance level, the bank) stays in float32. Nothing here waits for the device.

    Args:
        amp: None for float32, 'bf16' or 'fp16' for that type wherever autocast deems it safe.
        device: Where the networks are.
        loss_scale: Of float16: 'dynamic', a number that it stays at, or `init_scale`,
            `growth_factor`, `backoff_factor`, `growth_interval` of a dynamic one.

    Raises:
        UserError: There is no such type, the GPU lacks it, or the loss scale is none.
    """

    def __init__(
        self,
        amp: str | None = None,
        device: torch.device | str = 'cpu',
        loss_scale: str | float | Mapping[str, Any] = 'dynamic',
    ) -> None:
        if amp is not None and amp not in _AUTOCAST_TYPES:
            raise UserError(f'amp: expected null or {sorted(_AUTOCAST_TYPES)}, got {amp!r}')
        self._device_type = torch.device(device).type
        if amp == 'bf16' and self._device_type == 'cuda' and not _has_bfloat16():
            raise UserError("amp='bf16': this GPU has no bfloat16 arithmetic; set amp='fp16'")
        self.dtype = None if amp is None else _AUTOCAST_TYPES[amp]
        self._fixed_scale, settings = _scale_settings(loss_scale)
        self._scaler = None
        if amp == 'fp16':
            self._scaler = torch.amp.GradScaler(self._device_type, **settings)
        elif loss_scale != 'dynamic':
            raise UserError(f"loss_scale={loss_scale!r} is read with amp='fp16' only, not {amp!r}")

    @property
    def scale(self) -> float:
        """The loss scale; 1 but for float16. Reading it waits for the device."""
        return 1.0 if self._scaler is None else self._scaler.get_scale()

    def autocast(self) -> torch.autocast:
        """Return a context in which networks run in this precision."""
        return torch.autocast(self._device_type, self.dtype, enabled=self.dtype is not None)

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

    def step(
        self,
        optimizer: torch.optim.Optimizer,
        loss: float | torch.Tensor,
        clip: Callable[[torch.optim.Optimizer], None] | None = None,
    ) -> Outcome:
        """Take an optimizer step unless something is not finite; see `step_if_finite`.

        In float16 that happens now and then, and the loss scale becomes smaller.

        Args:
            optimizer: Its parameters' gradients are there, scaled in float16.
            loss: What they are the gradients of, averaged over processes.
            clip: Changes the gradients in place, which are the plain ones then.

        Returns:
            Whether the step was taken.
        """
        is_finite = all_finite(optimizer, loss)
        if self._scaler is not None:
            # The scaler looks at gradients alone, and only once.
            gradient = next(p.grad for p in _parameters(optimizer) if p.grad is not None)
            gradient.masked_fill_(~is_finite, float('nan'))
        if clip is not None:
            self.unscale_(optimizer)
            clip(optimizer)
        if self._scaler is None:
            return step_where(is_finite, optimizer)
        self._scaler.step(optimizer)
        self._scaler.update(self._fixed_scale)
        return is_finite

    def state_dict(self) -> dict[str, Any]:
        """Return the loss scale and its history as plain numbers; empty but for float16."""
        return {} if self._scaler is None else self._scaler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a loss scale; one of a run in another precision has no meaning here.

        How it changes from now on is what the settings of this run say.
        """
        if self._scaler is not None and state and self._fixed_scale is None:
            history = {key: state[key] for key in ('scale', '_growth_tracker') if key in state}
            self._scaler.load_state_dict({**self._scaler.state_dict(), **history})


def _scale_settings(
    loss_scale: str | float | Mapping[str, Any],
) -> tuple[float | None, dict[str, Any]]:
    """Return the scale that is fixed, if it is, and the arguments of a scaler."""
    if loss_scale == 'dynamic':
        return None, {}
    if isinstance(loss_scale, Mapping):
        for key in loss_scale:
            if key not in _SCALE_SETTINGS:
                raise UserError(
                    f'loss_scale has no setting {key!r}; {nearest(key, _SCALE_SETTINGS)}'
                )
        return None, dict(loss_scale)
    if isinstance(loss_scale, bool | str) or not loss_scale > 0:
        raise UserError(f"loss_scale: expected 'dynamic' or a number above 0, got {loss_scale!r}")
    return float(loss_scale), {'init_scale': float(loss_scale)}


def _has_bfloat16() -> bool:
    return torch.cuda.is_bf16_supported(including_emulation=False)


def _parameters(optimizer: torch.optim.Optimizer) -> Iterator[torch.Tensor]:
    return (p for group in optimizer.param_groups for p in group['params'])
