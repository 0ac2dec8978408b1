"""The C library's heap: memory that was freed is kept for what comes next."""

import ctypes

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGE = 64 << 20
_UNLIMITED = 2**31 - 1


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
