"""Where transforms get their random numbers from."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

_of_this_sample: ContextVar[np.random.Generator | None] = ContextVar('sample', default=None)


@contextmanager
def drawing_from(rng: np.random.Generator) -> Iterator[None]:
    """Let samples made in this context take their draws from `rng`.

    `dataset[index]` and what it calls are mmsegmentation's, which have no argument for it.
    """
    token = _of_this_sample.set(rng)
    try:
        yield
    finally:
        _of_this_sample.reset(token)


def generator_of(results: dict[str, Any]) -> np.random.Generator:
    """Return the generator that belongs to this sample.

    Args:
        results: What a pipeline hands from step to step. The generator stands under `rng`; where
            it does not yet, that of `drawing_from` is put there, or a fresh one.

    Returns:
        The generator, to be drawn from by one step after another.
    """
    if 'rng' not in results:
        results['rng'] = _of_this_sample.get() or np.random.default_rng()
    return results['rng']
