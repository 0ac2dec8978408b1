"""The C library's heap: memory that was freed is kept for what comes next."""

import ctypes
import os

import torch

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGE = 64 << 20
_UNLIMITED = 2**31 - 1
# glibc's tunables, read when a process starts.
_TUNABLES, _NO_THREAD_CACHE = 'GLIBC_TUNABLES', 'glibc.malloc.tcache_count'


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees instead of returning it to the system at once.

    By default glibc takes each block of more than 32 MiB from the system and gives it back when it
    is freed. Training on a CPU allocates such blocks by the thousand, and the system clears every
    page of each: up to a third of a step's time. Blocks of more than 64 MiB still go back, so that
    memory does not fall apart.

    Returns:
        Whether the C library knows how.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE)) and bool(mallopt(_M_TRIM_THRESHOLD, _UNLIMITED))


def heap_environment() -> dict[str, str]:
    """Return the environment of a process whose heap is to stay whole.

    glibc keeps small blocks for each thread, also those that lie between two maps of a network.
    There they are handed out again, and the room of the maps never joins: a tenth of the memory of
    training. Without them, that room is whole again once the maps are freed.

    Returns:
        This process's environment, with that setting unless there is one already.
    """
    tunables = os.environ.get(_TUNABLES, '')
    if _NO_THREAD_CACHE in tunables:
        return dict(os.environ)
    setting = f'{_NO_THREAD_CACHE}=0'
    return {**os.environ, _TUNABLES: f'{tunables}:{setting}' if tunables else setting}


def training_environment() -> dict[str, str] | None:
    """Return the environment variables of a process that trains on this machine.

    Returns:
        Without a GPU those by which its heap stays whole; else None, for this process's own.
    """
    return None if torch.cuda.is_available() else heap_environment()
