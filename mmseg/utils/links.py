"""Symbolic links: made, and told apart from what they lead to."""

import os
import shutil
from pathlib import Path


def named(path: str | Path) -> str:
    """Return a path as a message names one that is not there; a link with where it leads.

    >>> named('work_dirs/gone')
    'work_dirs/gone'
    """
    if not os.path.islink(path):
        return str(path)
    return f'{path} (a link to {os.readlink(path)}, which is not there)'


def is_same(one: str | Path, other: str | Path) -> bool:
    """Say whether two paths lead to the same place, be it there or not."""
    return os.path.realpath(one) == os.path.realpath(other)


def link_or_copy(path: Path, place: Path) -> None:
    """Link a file at another place; copy it where the file system has no links."""
    try:
        place.symlink_to(path.absolute())
    except OSError:
        shutil.copyfile(path, place)
