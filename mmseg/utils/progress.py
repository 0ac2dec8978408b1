"""How far a long loop is, and how long the rest will take."""

import datetime
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

T = TypeVar('T')
_SECONDS_BETWEEN_LINES = 15.0


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while showing how many are done and how long the rest will take.

    A terminal gets a bar, a file or a pipe a line now and then. Of several processes that torchrun
    started only the first one shows anything.

    Args:
        items: What to go through.
        description: A few words that say what is being done.
        total: Number of items, where `len(items)` does not tell.

    Yields:
        The items, unchanged.
    """
    total = len(items) if total is None and isinstance(items, Sized) else total
    if os.environ.get('RANK', '0') != '0':
        yield from items
    elif sys.stderr.isatty():
        yield from tqdm(items, description, total, ncols=100, leave=False)
    else:
        yield from _lines(items, description, total)


def format_seconds(seconds: float) -> str:
    """Write a span of time as h:mm:ss."""
    return str(datetime.timedelta(seconds=max(0, round(seconds))))


def _lines(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    start = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            rest = ''
            if total is not None:
                eta = format_seconds((now - start) / done * (total - done))
                rest = f'/{total}  eta {eta}'
            print(f'{description} {done}{rest}', flush=True)
