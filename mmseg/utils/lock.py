"""One process at a time in a folder."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from mmseg.utils.errors import UserError

LOCK = '.lock'


@contextlib.contextmanager
def alone_in(folder: str | Path) -> Iterator[None]:
    """Hold a folder for this process; what ends the process, whatever it is, lets go of it.

    Args:
        folder: Made where it is not there; an empty file `.lock` stays in it.

    Raises:
        UserError: Another process holds it.
    """
    path = Path(folder) / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f'another process is at work in {folder}: wait for it, or give another folder'
            ) from None
        yield
