"""What a person asks for, and whether it is what was asked for before."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmseg.datasets.class_mapping import ClassMapping
from mmseg.datasets.listing import files_below, is_within
from mmseg.utils.errors import UserError, UserFileNotFoundError
from mmseg.utils.links import is_same

from .pictures import PICTURES

_NUM_NAMED = 3


@dataclass(frozen=True)
class Request:
    """What a person asks for.

    Attributes:
        images: Folder of the source's images.
        labels: Folder of their labels.
        target: Folder of the target's images.
        target_labels: Folder with labels of some of them; None where there are none.
        classes: Mapping file; None where classes are to be proposed.
        method: 'daformer', 'dida' or 'dida_plus'.
        out: Folder for all that comes of it.
    """

    images: Path
    labels: Path
    target: Path
    target_labels: Path | None
    classes: Path | None
    method: str
    out: Path

    @property
    def folders(self) -> dict[str, Path]:
        """The folders that are given, by the options that give them."""
        named = {
            '--source IMAGES': self.images,
            '--source LABELS': self.labels,
            '--target': self.target,
            '--target-labels': self.target_labels,
        }
        return {option: folder for option, folder in named.items() if folder is not None}

    def others(self, folder: Path) -> list[Path]:
        """The folders that are given besides one."""
        return [other for other in self.folders.values() if other != folder]

    def require_apart(self) -> None:
        """Refuse folders that lie in the one that is written to, or around it.

        Raises:
            UserError: Names the two.
        """
        for option, folder in self.folders.items():
            if not folder.is_dir():
                is_file = f': {folder} is a file' if folder.is_file() else f' {folder}'
                raise UserFileNotFoundError(f'{option}: there is no folder{is_file}')
            same = [other for other, path in self.folders.items() if is_same(path, folder)]
            if len(same) > 1:
                raise UserError(
                    f'{same[0]} and {same[1]} are the same folder, {folder}: give each its own'
                )
            if is_within(folder, self.out):
                raise UserError(f'{folder} lies where --out {self.out} is written: {_ANOTHER}')
            if is_within(self.out, folder):
                raise UserError(
                    f'--out {self.out} lies in {option} {folder}, whose pictures are looked at '
                    f'with all below it: {_ANOTHER}'
                )

    def record(self) -> dict[str, Any]:
        """Return what is asked for as plain values: options, and each picture by size and time."""
        if self.classes is not None:
            ClassMapping.from_file(self.classes)
        text = None if self.classes is None else self.classes.read_text(encoding='utf-8-sig')
        folders = {
            option: {'path': os.path.realpath(folder), 'files': _files(folder)}
            for option, folder in self.folders.items()
        }
        return {'--method': self.method, '--classes': text, 'folders': folders}


_ANOTHER = 'give another --out'


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Name what is asked for otherwise than before.

    Args:
        before: From `Request.record`.
        now: Likewise.
    """
    for option in ('--method', '--classes'):
        if before[option] != now[option]:
            values = ', was ' + str(before[option]) if option == '--method' else ' is another'
            yield f'{option}{values}'
    for option in {**before['folders'], **now['folders']}:
        then, there = (record['folders'].get(option) for record in (before, now))
        if then is None or there is None or then['path'] != there['path']:
            yield f'{option}, was {then["path"] if then else "not given"}'
            continue
        for what, names in _file_changes(then['files'], there['files']).items():
            if names:
                shown = ', '.join(names[:_NUM_NAMED]) + ', …' * (len(names) > _NUM_NAMED)
                yield f'{option}: {len(names)} files {what}, {shown}'


def _file_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[str]]:
    both = before.keys() & now.keys()
    return {
        'are new': sorted(now.keys() - before.keys()),
        'are gone': sorted(before.keys() - now.keys()),
        'have changed': sorted(name for name in both if before[name] != now[name]),
    }


def _files(folder: Path) -> dict[str, list[int]]:
    """Return size in bytes and time of change of each picture."""
    found: dict[str, list[int]] = {}
    for name in files_below(folder):
        path = folder / name
        if path.suffix.lower() in PICTURES and path.exists():
            status = path.stat()
            found[name] = [status.st_size, status.st_mtime_ns]
    return found
