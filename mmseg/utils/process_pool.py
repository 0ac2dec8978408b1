"""Work shared out over processes that may be killed, and need some shared memory to begin."""

import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from .errors import UserError
from .shared_memory import shared_memory_problem, too_small

Item = TypeVar('Item')
Result = TypeVar('Result')
_CHUNK = 4


def map_in_processes(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    num_processes: int,
    start: Callable[..., Any] | None = None,
    in_order: bool = True,
    method: str | None = None,
) -> Iterator[Result]:
    """Yield what `work` makes of each item.

    Args:
        work: A function of a module.
        items: Its arguments.
        num_processes: How many processes; 1 or less does the work in this one.
        start: What each process calls first.
        in_order: Whether results come in the order of the items, or as they are there.
        method: How processes are started: 'fork', 'spawn'; the system's own where None.

    Raises:
        UserError: A process was killed, or shared memory has no room for the processes' locks.
    """
    if num_processes <= 1:
        yield from map(work, items)
        return
    pool = _pool(num_processes, start, method)
    try:
        chunks = [pool.submit(_all_of, work, chunk) for chunk in _chunks(items)]
        for chunk in chunks if in_order else as_completed(chunks):
            yield from chunk.result()
    except BrokenProcessPool as error:
        raise UserError(
            'a process was killed, most often for want of memory: lower --nproc'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, _CHUNK)):
        yield chunk


def _all_of(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return list(map(work, items))


def _pool(
    num_processes: int, start: Callable[..., Any] | None, method: str | None
) -> ProcessPoolExecutor:
    context = multiprocessing.get_context(method)
    try:
        return ProcessPoolExecutor(num_processes, context, start)
    except OSError as error:
        if shared_memory_problem(error) is None:
            raise
        raise UserError(too_small(f'{num_processes} processes', '--nproc 1')) from error
