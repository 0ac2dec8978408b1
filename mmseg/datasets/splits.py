"""Split files: lists of the images of a data set, as people and their programs write them."""

import codecs
import os.path as osp
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmseg.utils.errors import UserError, UserFileNotFoundError
from mmseg.utils.logger import get_root_logger

from .listing import files_below

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NEW_LINE = re.compile('\r\n|\r|\n')
_BETWEEN = (re.compile(r'\t+'), re.compile(r'\s*[,;]\s*'), re.compile(r'\s+'))


@dataclass(frozen=True)
class SplitEntry:
    """One line of a split file.

    Attributes:
        image: The image, a path below the data set's folder of images.
        label: Its label map below the folder of labels; None where the line names none.
    """

    image: str
    label: str | None = None


class FileNames:
    """What the files below a folder may be called in a list.

    Args:
        folder: The folder.
        suffix: End of their names, which may be left out.
        data_root: Another folder that paths may start from.
    """

    def __init__(self, folder: str, suffix: str, data_root: str | None) -> None:
        self.suffix = suffix
        self._present = set(files_below(folder)) if osp.isdir(folder) else set()
        self._folders = [folder, osp.relpath(folder, data_root) if data_root else folder]
        self._folders += [osp.abspath(folder), osp.realpath(folder)]

    def find(self, name: str) -> str | None:
        """Return the path below the folder of the file that a name means; None for none."""
        name = osp.normpath(name.replace('\\', '/')).replace('\\', '/')
        starts = [f'{osp.normpath(folder)}/' for folder in self._folders]
        names = [name, *(name.removeprefix(start) for start in starts)]
        candidates = [found for path in names for found in (f'{path}{self.suffix}', path)]
        return next((path for path in candidates if path in self._present), None)


def read_split(path: str, images: FileNames, labels: FileNames | None) -> list[SplitEntry]:
    """Read which images belong to a split.

    A line holds an image, with or without its suffix, below the folder of images, below `data_root`
    or as a whole path; after a tab, comma, semicolon or blank may come its label. Blank lines and
    lines that begin with `#` are passed over.

    Args:
        path: Text in UTF-8 or UTF-16.
        images: The images.
        labels: The label maps; None where none are read: then lines may name what they like.

    Returns:
        The images in the order of the lines, those that stand there twice twice.

    Raises:
        UserError: Names the file, the line, and what a line should hold.
    """
    entries, wrong = [], []
    for number, line in _lines(path):
        entry = _entry(line, images, labels)
        if entry is not None:
            entries.append(entry)
        elif not line.startswith('#'):
            wrong.append((number, line))
    if wrong:
        number, line = wrong[0]
        label = '' if labels is None else ', perhaps with its label map after a blank, comma or tab'
        raise UserError(
            f'the split file {path}, line {number}: {line!r} names no file that is there '
            f'({len(wrong)} of {len(wrong) + len(entries)} lines): a line holds an image, with or '
            f'without {images.suffix}{label}'
        )
    _report_repeated(path, entries)
    return entries


def _entry(line: str, images: FileNames, labels: FileNames | None) -> SplitEntry | None:
    image = images.find(line.strip('"\''))
    if image is not None:
        return SplitEntry(image)
    for between in _BETWEEN:
        parts = [part.strip().strip('"\'') for part in between.split(line)]
        image = images.find(parts[0]) if len(parts) == 2 else None
        if image is None:
            continue
        if labels is None or not parts[1]:
            return SplitEntry(image)
        label = labels.find(parts[1])
        return None if label is None else SplitEntry(image, label)
    return None


def _lines(path: str) -> Iterator[tuple[int, str]]:
    if not osp.isfile(path):
        raise UserFileNotFoundError(f'the split file {path} does not exist')
    try:
        data = Path(path).read_bytes()
        text = data.decode('utf-16' if data.startswith(_UTF_16) else 'utf-8-sig')
    except (UnicodeDecodeError, OSError) as error:
        raise UserError(
            f'the split file {path} cannot be read: {error}; save it as text in UTF-8'
        ) from None
    for number, line in enumerate(_NEW_LINE.split(text), 1):
        if line.strip():
            yield number, line.strip()


def _report_repeated(path: str, entries: list[SplitEntry]) -> None:
    counts = Counter(entry.image for entry in entries)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        get_root_logger().warning(
            f'the split file {path} names {len(repeated)} images more than once, the first is '
            f'{repeated[0]}: each counts as often as it stands there'
        )
