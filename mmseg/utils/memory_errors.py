"""Telling want of memory from other errors, whoever reports it."""

_TELLTALES = (
    "can't allocate memory",  # PyTorch's allocator on a CPU
    'Insufficient memory',  # OpenCV
    'std::bad_alloc',
)


def memory_problem(error: BaseException) -> str | None:
    """Say in a line that memory did not suffice; None for any other error.

    Args:
        error: From Python, NumPy, OpenCV or PyTorch on a CPU.
    """
    text = ' '.join(str(error).split())
    if not isinstance(error, MemoryError) and not any(told in text for told in _TELLTALES):
        return None
    return f'out of memory: {text}' if text else 'out of memory'
