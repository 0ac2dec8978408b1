"""Files that are whole or absent."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import UserError

_UNFINISHED = '.*.tmp*'


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block succeeds.

    Args:
        path: Where the finished file is to stand; its folder is made if missing.

    Yields:
        A path in the same folder, with the same suffix, to write to.

    Raises:
        UserError: A folder stands where the file is to be.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f'{path} is a folder where a file is to be written: move it away')
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}.tmp{path.suffix}')
    try:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, so that what was renamed survives a power cut."""
    # Some file systems sync no folders, and rename safely without.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Remove the temporary files that a killed process left in a folder that nobody writes to."""
    for path in folder.glob(_UNFINISHED):
        if path.is_symlink() or path.is_file():
            path.unlink(missing_ok=True)
