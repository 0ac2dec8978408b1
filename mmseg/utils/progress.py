"""One progress bar for every long loop."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar('T')


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while showing how many are done and how long the rest will take.

    Args:
        items: What to go through.
        description: A few words that say what is being done.
        total: Number of items, where `len(items)` does not tell.

    Yields:
        The items, unchanged.
    """
    # A log file or a pipe gets a line now and then instead of a bar that redraws itself.
    interval = 0.2 if sys.stderr.isatty() else 15.0
    yield from tqdm(items, description, total, ncols=100, mininterval=interval, leave=False)
