"""Values to log that stay on their device until somebody reads them."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from mmcv.runner import LogBuffer


class DeferredNumbers(Mapping[str, float]):
    """Numbers by name; the first one read brings all over, which waits for the device.

    Args:
        names: Names (K).
        values: Their values (K,), on any device.
    """

    def __init__(self, names: Sequence[str], values: torch.Tensor) -> None:
        self._names = tuple(names)
        self._values = values.detach()

    @cached_property
    def _numbers(self) -> dict[str, float]:
        return dict(zip(self._names, self._values.tolist(), strict=True))

    def tensor(self, name: str) -> torch.Tensor:
        """Return one of the numbers where it is, without waiting."""
        return self._values[self._names.index(name)]

    def plus(self, name: str, value: torch.Tensor) -> 'DeferredNumbers':
        """Return these numbers and one more, a scalar on their device."""
        value = value.detach().to(self._values.dtype)
        return DeferredNumbers([*self._names, name], torch.cat([self._values, value[None]]))

    def __getitem__(self, name: str) -> float:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Output(OrderedDict[str, Any]):
    """Averages that loggers write, in which hooks can also look up what was evaluated last.

    mmcv keeps both in one place, `runner.log_buffer.output['mIoU']`; here an evaluation has been
    logged when hooks see it, and is not to be logged again: it is found, but not gone through.
    """

    evaluated: Mapping[str, Any] = {}

    def __missing__(self, key: str) -> Any:
        return self.evaluated[key]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self.evaluated

    def get(self, key: str, default: Any = None) -> Any:
        """Return what stands under a name, or `default`."""
        return super().get(key, self.evaluated.get(key, default))


class DeferredLogBuffer(LogBuffer):
    """mmcv's log buffer, which looks at values only when they are averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.output = Output()
        self._pending: list[tuple[Mapping[str, float], int]] = []

    def update(self, vars: Mapping[str, float], count: int = 1) -> None:
        """Keep the values of an iteration for `average`.

        Args:
            vars: Numbers by name.
            count: Samples that they are averages of.
        """
        self._pending.append((vars, count))

    def average(self, n: int = 0) -> None:
        """Average the latest `n` values of each name, all where 0, into `output`."""
        self.settle()
        super().average(n)

    def settle(self) -> None:
        """Read the values that were kept, into `val_history` and `n_history`."""
        for values, count in self._pending:
            super().update(dict(values), count)
        self._pending.clear()

    def clear(self) -> None:
        """Forget all values."""
        self._pending.clear()
        super().clear()
