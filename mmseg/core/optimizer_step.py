"""When gradients become a step of the weights, and what is done to them before."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from mmseg.utils.errors import UserError, nearest

from .guarded_step import Outcome, all_finite
from .precision import Precision

_CLIP_SETTINGS = ('max_norm', 'norm_type')


class OptimizerStep:
    """Adds up the gradients of one or several iterations, clips their norm, takes the step.

    A window of `cumulative_iters` iterations makes a step; windows are counted from iteration 0,
    and what is left over before the last iteration makes a shorter one. The step follows the mean
    of the window's losses, as that of one batch of all its images would. In every iteration
    `begin` comes first, then `start`, gradients of losses that went through `share`, and `finish`.

    Gradients are averaged over processes in every iteration, so that all hold the same sum.

    Args:
        grad_clip: `max_norm` and `norm_type` (2 unless given) of
            `torch.nn.utils.clip_grad_norm_`; None leaves gradients as they are.
        cumulative_iters: Iterations of a window, at least 1.

    Raises:
        UserError: A setting is not known or out of range.
    """

    def __init__(
        self, grad_clip: Mapping[str, Any] | None = None, cumulative_iters: int = 1
    ) -> None:
        if isinstance(cumulative_iters, bool) or cumulative_iters < 1:
            raise UserError(
                'optimizer_config.cumulative_iters: expected a whole number above 0, got '
                f'{cumulative_iters!r}'
            )
        self.grad_clip = None if grad_clip is None else _checked_clip(grad_clip)
        self.cumulative_iters = cumulative_iters
        self.grad_norm: torch.Tensor | None = None
        self.is_due = True
        self._first: int | None = None
        self._end = 0
        self._is_first, self._length = True, 1
        self._loss: float | torch.Tensor = 0.0

    @property
    def is_plain(self) -> bool:
        """Whether every iteration takes a step with its gradients as they are."""
        return self.grad_clip is None and self.cumulative_iters == 1

    def begin(self, iteration: int, max_iters: int) -> None:
        """Tell which iteration comes; where nobody does, each one is a window.

        Args:
            iteration: Its number, from 0.
            max_iters: Iterations of the run.
        """
        start, self._end = self._window(iteration, max_iters)
        if self._first is None or iteration == start:
            self._first = iteration
        self._is_first = iteration == self._first
        self._length = self._end - self._first
        self.is_due = iteration + 1 == self._end

    def start(self, optimizer: torch.optim.Optimizer) -> None:
        """Forget the gradients of the window before, if this iteration is the first of one."""
        if self._is_first:
            optimizer.zero_grad(set_to_none=True)
            self._loss = 0.0

    def share(self, loss: torch.Tensor) -> torch.Tensor:
        """Return what a loss adds to the mean over the window."""
        return loss if self._length == 1 else loss / self._length

    def finish(
        self, optimizer: torch.optim.Optimizer, loss: float | torch.Tensor, precision: Precision
    ) -> Outcome:
        """Take the step with the window's last iteration; `grad_norm` is that before clipping.

        Args:
            optimizer: Its parameters' gradients are there, scaled in float16.
            loss: What was differentiated, averaged over processes.
            precision: Holds the loss scale.

        Returns:
            Whether the step was taken; before the window's last iteration, whether nothing has
            come yet that will prevent it. A loss or a gradient that is not finite does.
        """
        self._loss = self._loss + loss
        self.grad_norm = None
        if not self.is_due:
            return all_finite(optimizer, self._loss)
        self._first = None
        clip = None if self.grad_clip is None else self._clip
        return precision.step(optimizer, self._loss, clip)

    def _clip(self, optimizer: torch.optim.Optimizer) -> None:
        assert self.grad_clip is not None
        learning = [p for p in parameters_of(optimizer) if p.grad is not None]
        max_norm, norm_type = self.grad_clip['max_norm'], self.grad_clip['norm_type']
        self.grad_norm = torch.nn.utils.clip_grad_norm_(learning, max_norm, norm_type)

    def _window(self, iteration: int, max_iters: int) -> tuple[int, int]:
        start = iteration - iteration % self.cumulative_iters
        return start, min(start + self.cumulative_iters, max_iters)

    def state_dict(self, optimizer: torch.optim.Optimizer, precision: Precision) -> dict[str, Any]:
        """Return the gradients of a window that is not over, as plain values and tensors.

        Args:
            optimizer: Holds the parameters.
            precision: Holds the loss scale.

        Returns:
            What `load_state_dict` takes; empty between windows.
        """
        if self._first is None or self.is_due:
            return {}
        gradients = [p.grad for p in parameters_of(optimizer)]
        return {
            'first': self._first,
            'end': self._end,
            'scale': precision.scale,
            'loss': float(self._loss),
            'gradients': [None if g is None else g.detach().cpu() for g in gradients],
        }

    def load_state_dict(
        self,
        state: Mapping[str, Any],
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        iteration: int,
        max_iters: int,
    ) -> bool:
        """Go on with a window.

        Args:
            state: From `state_dict`.
            optimizer: As it was then.
            precision: Its loss scale is that of then.
            iteration: Finished iterations.
            max_iters: Iterations of the run.

        Returns:
            False where the window is another one with these settings: its gradients are dropped,
            and the iterations that are left of it make a shorter window.
        """
        start, end = self._window(iteration, max_iters)
        is_this_one = start <= state['first'] < iteration and end == state['end']
        if not is_this_one or state['scale'] != precision.scale:
            return False
        self._first, self._end, self.is_due = state['first'], end, False
        self._loss = state['loss']
        for parameter, gradient in zip(parameters_of(optimizer), state['gradients'], strict=True):
            if gradient is not None:
                parameter.grad = torch.empty_like(parameter).copy_(gradient)
        return True


def load_moments(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Take up what an optimizer remembers of each parameter, and keep the settings it has.

    Rates, decay and the like are what this run's config says, also where it goes on with a run
    that had others.

    Args:
        optimizer: Of the same type, its parameters in the same groups.
        state: Of another one, from `state_dict`.

    Raises:
        ValueError: The groups or what is remembered are another optimizer's.
    """
    groups = [{k: v for k, v in g.items() if k != 'params'} for g in optimizer.param_groups]
    # Groups of a schedule that has run also hold their first rate.
    foreign = {*state['param_groups'][0]} - {*groups[0], 'params', 'initial_lr'}
    if foreign:
        raise ValueError(f'it had settings that this one lacks: {", ".join(sorted(foreign))}')
    optimizer.load_state_dict(dict(state))
    for group, settings in zip(optimizer.param_groups, groups, strict=True):
        parameters = group['params']
        group.clear()
        group.update(settings, params=parameters)


def parameters_of(optimizer: torch.optim.Optimizer) -> Iterator[torch.Tensor]:
    """Yield the parameters that an optimizer moves."""
    return (p for group in optimizer.param_groups for p in group['params'])


def _checked_clip(grad_clip: Mapping[str, Any]) -> dict[str, float]:
    where = 'optimizer_config.grad_clip'
    for key in grad_clip:
        if key not in _CLIP_SETTINGS:
            raise UserError(f'{where} has no setting {key!r}; {nearest(key, _CLIP_SETTINGS)}')
    if 'max_norm' not in grad_clip:
        raise UserError(f'{where}: expected max_norm, got {dict(grad_clip)}')
    settings = {'norm_type': 2.0, **grad_clip}
    for key, value in settings.items():
        try:
            settings[key] = float(value)  # JSON has no infinity, but for the word
        except (TypeError, ValueError):
            settings[key] = math.nan
        if isinstance(value, bool) or not settings[key] > 0:
            raise UserError(f'{where}.{key}: expected a number above 0, got {value!r}')
    return settings
