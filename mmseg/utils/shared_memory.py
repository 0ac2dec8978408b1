"""Shared memory, through which loading workers hand over their samples: is there enough of it?"""

import errno
import math
import os
import traceback
from pathlib import Path

from .error_lines import causes
from .errors import UserError

SHARED_MEMORY = Path('/dev/shm')
_LARGER = 'docker run --shm-size=8g (or --ipc=host)'
# PyTorch's words where a block of shared memory can't be made or grown.
_WORDS = ('unable to allocate shared memory', 'unable to open shared memory', 'file </torch_')
_UNITS = ('bytes', 'KiB', 'MiB', 'GiB', 'TiB')
_PAGE = 4096
# A lock takes a page: three a queue, five an event. A loader has both, and a queue a worker.
_PAGES_OF_LOADER, _PAGES_OF_WORKER = 8, 3


def free_shared_memory() -> int | None:
    """Return the bytes that are free in shared memory; None where the system has no such folder."""
    try:
        stats = os.statvfs(SHARED_MEMORY)
    except OSError:
        return None
    return stats.f_bavail * stats.f_frsize


def too_small(needed: str = '', without: str = 'data.workers_per_gpu=0') -> str:
    """Phrase that shared memory does not suffice.

    Args:
        needed: What needs it, and how much, if that is known.
        without: The setting that does without shared memory.
    """
    free = free_shared_memory()
    facts = ', '.join(filter(None, ('' if free is None else f'{human_bytes(free)} free', needed)))
    is_small = f'shared memory ({SHARED_MEMORY}) is too small' + f': {facts}' * bool(facts)
    return f'{is_small}; what helps: {_LARGER}, or {without}'


def room() -> str:
    """Phrase how much shared memory there is, and how to have more, or need none."""
    free = human_bytes(free_shared_memory() or 0)
    return f'shared memory ({SHARED_MEMORY}, {free} free): {_LARGER}, or data.workers_per_gpu=0'


def shared_memory_problem(error: BaseException) -> str | None:
    """Phrase an error that comes of too little shared memory; None for any other."""
    for cause in causes(error):
        text = str(cause)
        if any(words in text for words in _WORDS) or _is_of_a_semaphore(cause):
            return too_small()
    return None


def worker_overhead(num_workers: int) -> int:
    """Return the bytes that the locks of a loader with this many workers take there."""
    return (_PAGES_OF_LOADER + _PAGES_OF_WORKER * num_workers) * _PAGE


def require_room_for_workers(num_workers: int) -> None:
    """See to it that a loader's workers can be started: some of them would wait for ever.

    Raises:
        UserError: Shared memory has no room for their locks.
    """
    free, needed = free_shared_memory(), worker_overhead(num_workers)
    if num_workers > 0 and free is not None and free < needed:
        raise UserError(too_small(f'{num_workers} workers need {human_bytes(needed)} to begin'))


def human_bytes(number: float) -> str:
    """Write a number of bytes for people.

    >>> human_bytes(65536), human_bytes(3 * 2**30)
    ('64.0 KiB', '3.0 GiB')
    """
    power = min(int(math.log(max(number, 1), 1024)), len(_UNITS) - 1)
    return f'{number / 1024**power:.{min(power, 1)}f} {_UNITS[power]}'


def _is_of_a_semaphore(error: BaseException) -> bool:
    """Tell whether a lock between processes could not be made: it takes a page of shared memory."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.ENOMEM):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.endswith('multiprocessing/synchronize.py')
