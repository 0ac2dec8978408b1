"""Looking at a network without a trace."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from mmseg.datasets.skipped import SkippedFiles
from mmseg.utils.random_state import random_state, restore_random_state


@contextmanager
def random_as_it_was() -> Iterator[None]:
    """Put the random generators back at the end of a block."""
    state = random_state()
    try:
        yield
    finally:
        restore_random_state(state)


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Put a model's buffers and modes and the random generators back at the end of a block.

    No gradient is kept in the block, so that parameters have none that they had not.
    """
    modes = {module: module.training for module in model.modules()}
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        with torch.no_grad(), random_as_it_was():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for buffer, before in buffers:
            buffer.copy_(before)


@contextmanager
def nothing_counted(dataset: Any) -> Iterator[None]:
    """Let the data sets that a training set is made of count and report no skipped file."""
    with ExitStack() as stack:
        for counts in _skipped(dataset):
            stack.enter_context(counts.unnoticed())
        yield


def _skipped(dataset: Any) -> Iterator[SkippedFiles]:
    for value in vars(dataset).values() if hasattr(dataset, '__dict__') else ():
        if isinstance(value, SkippedFiles):
            yield value
        for part in value if isinstance(value, list | tuple) else (value,):
            if hasattr(part, '__getitem__') and hasattr(part, 'num_skipped'):
                yield from _skipped(part)
