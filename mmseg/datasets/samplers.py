"""Which sample stands where in a run: functions of seed and position, without any state."""

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from torch.utils.data import Dataset, Sampler

from mmseg.utils.seed import numpy_generator
from mmseg.utils.worker_errors import told_in_one_line

from .randomness import drawing_from


class IterationSampler(Sampler[int]):
    """The positions in the whole run of the samples that one process loads.

    Iteration t of `world_size` processes takes positions t·W·B to (t + 1)·W·B - 1, each process
    B of them in a row.

    Args:
        batch_size: Batch size B of a process.
        start_iter: First iteration.
        max_iters: Iteration to stop before; None for no end.
        rank: Number of this process, from 0.
        world_size: Number of processes W.
    """

    def __init__(
        self,
        batch_size: int,
        start_iter: int = 0,
        max_iters: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.batch_size = batch_size
        self.start_iter = start_iter
        self.max_iters = max_iters
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[int]:
        for iteration in itertools.count(self.start_iter):
            if self.max_iters is not None and iteration >= self.max_iters:
                return
            first = (iteration * self.world_size + self.rank) * self.batch_size
            yield from range(first, first + self.batch_size)

    def __len__(self) -> int:
        if self.max_iters is None:
            raise TypeError('an endless sampler has no length')
        return max(self.max_iters - self.start_iter, 0) * self.batch_size


class EpochSampler(Sampler[int]):
    """The positions of the samples of one epoch after another: each pass takes the next one.

    Args:
        num_samples: Number of images N.
        rank: Number of this process, from 0.
        world_size: Number of processes W; every W-th position belongs to one, and where N is no
            multiple of W the first ones come once more.
    """

    def __init__(self, num_samples: int, rank: int = 0, world_size: int = 1) -> None:
        self.num_samples = num_samples
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        first = self.epoch * self.num_samples
        self.epoch += 1
        for number in range(len(self)):
            yield first + (number * self.world_size + self.rank) % self.num_samples

    def __len__(self) -> int:
        return -(-self.num_samples // self.world_size)


class SampleStream(Dataset):
    """The training samples of a run, indexed by their position in it.

    Args:
        dataset: Where samples are drawn from; one that cannot `draw` is shuffled.
        seed: The run's seed.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        """Return what the data set knows: `loader.dataset.CLASSES`."""
        if name == 'dataset':  # not there yet, while a copy is made
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __getitem__(self, position: int) -> dict[str, Any]:
        with told_in_one_line(f'training sample {position}'):
            if hasattr(self.dataset, 'draw'):
                return self.dataset.draw(position, self.seed)
            with drawing_from(numpy_generator('sample', self.seed, position)):
                return self.dataset[shuffled_index(position, len(self), self.seed)]


def shuffled_index(position: int, length: int, seed: int) -> int:
    """Return the index at a position of an endless pass that shuffles anew every epoch.

    Args:
        position: Position in the run, from 0.
        length: Number of images.
        seed: The run's seed.

    Returns:
        An index below `length`.
    """
    epoch, place = divmod(position, length)
    return int(_epoch_order(length, seed, epoch)[place])


@lru_cache(maxsize=8)
def _epoch_order(length: int, seed: int, epoch: int) -> np.ndarray:
    return numpy_generator('epoch order', seed, epoch).permutation(length)
