"""Clocks: how long each phase of a training step takes, and how fast a device could be."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from mmcv.runner import Hook
from torch import nn

from mmseg.models.uda import DACS
from mmseg.speed.cpu.matrix_products import product

from .naive_dida import NaiveDIDA

# Phase → the methods, by their owner's path from the model, whose time it is. Time in an inner
# method counts for its phase alone.
_DACS_PHASES = {
    'teacher': ('teacher.update', 'ema_model.forward_embedding'),
    'source': ('_learn_source',),
    'mixed': ('_learn_mixed',),
    'instance': ('instance._observe', 'instance.smooth', 'instance.loss'),
}
_NAIVE_PHASES = {
    'teacher': ('update_teacher', 'ask_teacher'),
    'source': ('learn_source',),
    'mixed': ('learn_mixed',),
    'instance': ('observe', 'smooth', 'learn_instances'),
}


class PhaseClock:
    """Adds up seconds by phase, waiting for the device wherever a phase ends.

    Args:
        device: Where the work is done.

    Attributes:
        seconds: Phase → seconds of all iterations in which phases were told apart.
        steps: Seconds of each iteration in which they were not.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)
        self.steps: list[float] = []
        self._running: list[str] = []
        self._since = 0.0

    def watch(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Count the phases of a model's training step from now on."""
        phases = {DACS: _DACS_PHASES, NaiveDIDA: _NAIVE_PHASES}.get(type(model), {})
        for phase, paths in phases.items():
            for path in paths:
                *owners, method = path.split('.')
                owner: Any = model
                for name in owners:
                    owner = getattr(owner, name, None)
                if owner is not None:
                    setattr(owner, method, self._timed(phase, getattr(owner, method)))
        optimizer.step = self._timed('optimizer', optimizer.step)

    def _timed(self, phase: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._switch(phase)
            try:
                return method(*args, **kwargs)
            finally:
                self._switch(None)

        return call

    def _switch(self, phase: str | None) -> None:
        """Begin a phase within the one that runs or, with None, end it."""
        now = synchronized_time(self.device)
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        if phase is None:
            self._running.pop()
        else:
            self._running.append(phase)
        self._since = now


class ClockHook(Hook):
    """Times iterations as they are, and then as many with the phases told apart.

    Args:
        clock: Takes the times.
        num_warmups: Iterations that do not count.
        num_steps: Iterations timed of each kind.
    """

    def __init__(self, clock: PhaseClock, num_warmups: int, num_steps: int) -> None:
        self._clock = clock
        self._whole = range(num_warmups, num_warmups + num_steps)
        self._last = 0.0

    def before_run(self, runner: Any) -> None:
        """Start the clock."""
        self._last = synchronized_time(self._clock.device)

    def before_train_iter(self, runner: Any) -> None:
        """Count what passed since the last iteration for the loading of data."""
        if runner.iter == self._whole.stop:
            self._clock.watch(runner.model, runner.optimizer)
        if runner.iter >= self._whole.stop:
            self._clock.seconds['data'] += synchronized_time(self._clock.device) - self._last

    def after_train_iter(self, runner: Any) -> None:
        """Count the iteration."""
        now = synchronized_time(self._clock.device)
        if runner.iter in self._whole:
            self._clock.steps.append(now - self._last)
        self._last = now


def synchronized_time(device: torch.device) -> float:
    """Return the time in seconds when the device has done what it was given."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter()


def matrix_product_ceiling(device: torch.device, dtype: torch.dtype) -> float:
    """Measure the operations a second of a large matrix product, the most a device does."""
    size = 8192 if device.type == 'cuda' else 2048
    left, right = torch.randn(2, size, size, device=device).to(dtype)
    best = float('inf')
    for _ in range(5):
        start = synchronized_time(device)
        product(left, right)
        best = min(best, synchronized_time(device) - start)
    return 2 * size**3 / best
