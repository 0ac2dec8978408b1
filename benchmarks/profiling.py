"""Where a training iteration's time goes, operator by operator."""

from typing import Any

import torch
from mmcv.runner import Hook
from torch.profiler import ProfilerActivity, profile

# Of an operator: name, milliseconds in itself, calls.
Operator = tuple[str, float, int]


class OperatorProfile:
    """Watches the operators between `start` and `stop`.

    Args:
        device: Whose time counts.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == 'cuda'
        activities = [ProfilerActivity.CPU]
        self._profile = profile(
            activities=[*activities, ProfilerActivity.CUDA] if self._on_gpu else activities
        )
        self.start, self.stop = self._profile.start, self._profile.stop

    def operators(self) -> list[Operator]:
        """Return the operators, kernels on a GPU, by the time in themselves, most first."""
        rows = [
            (event.key, self._microseconds(event) / 1e3, event.count)
            for event in self._profile.key_averages()
        ]
        return sorted((row for row in rows if row[1] > 0), key=lambda row: -row[1])

    def _microseconds(self, event: Any) -> float:
        return event.self_device_time_total if self._on_gpu else event.self_cpu_time_total


class ProfileHook(Hook):
    """Lets one iteration be watched.

    Args:
        watching: Who watches.
        iteration: Which one, from 0.
    """

    def __init__(self, watching: OperatorProfile, iteration: int) -> None:
        self._watching = watching
        self._iteration = iteration

    def before_train_iter(self, runner: Any) -> None:
        """Start before that iteration."""
        if runner.iter == self._iteration:
            self._watching.start()

    def after_train_iter(self, runner: Any) -> None:
        """Stop after it."""
        if runner.iter == self._iteration:
            self._watching.stop()
