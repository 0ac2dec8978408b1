"""Finding files: links are followed, each folder once, and a miss says what is there instead."""

import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath

from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

from .statistics_files import USED_MAPPING

_NUM_SHOWN = 3
# Folders above one of images in which a data set may begin.
_NUM_ABOVE = 3
_LAST_PART = re.compile(r'[._-][^._/-]+$')


def files_below(folder: str | Path, suffix: str = '') -> list[str]:
    """List files below a folder, whose links to folders and files are followed.

    Args:
        folder: Where to look.
        suffix: End of the names, as it is written.

    Returns:
        Their paths below the folder, with forward slashes, sorted; nothing that begins with a dot.
    """
    return sorted(path for path in _walk(Path(folder), '', frozenset()) if path.endswith(suffix))


def _walk(folder: Path, prefix: str, above: frozenset[str]) -> Iterator[str]:
    place = os.path.realpath(folder)
    if place in above:  # a link to a folder that it stands in
        return
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith('.')]
    except OSError as error:
        raise UserError(f'the folder {folder} cannot be listed: {error.strerror}') from None
    for entry in entries:
        if entry.is_dir():
            yield from _walk(folder / entry.name, f'{prefix}{entry.name}/', above | {place})
        else:
            yield f'{prefix}{entry.name}'


def is_within(inner: str | Path, outer: str | Path) -> bool:
    """Whether a folder is another one or lies below it, links followed."""
    return Path(os.path.realpath(inner)).is_relative_to(os.path.realpath(outer))


def images_below(folder: str | Path, suffix: str, label_suffixes: Collection[str]) -> list[str]:
    """List the photographs of a folder in which label maps may lie beside them.

    Args:
        folder: Where to look.
        suffix: End of an image's name.
        label_suffixes: Ends of names of label maps; those that no image can have do not matter.

    Returns:
        As `files_below`, without label maps.
    """
    others = tuple(end for end in label_suffixes if end != suffix and end.endswith(suffix))
    names = [name for name in files_below(folder, suffix) if not name.endswith(others)]
    if names:
        report_other_capitals(folder, suffix)
    _report_companions(folder, names, suffix)
    return names


def converted_label_suffixes(root: str | Path, folder: str | Path) -> set[str]:
    """Return how the names end of label maps that own labels in a folder were converted from.

    Args:
        root: Where converters leave their mapping, unless above the folder.
        folder: The folder in which they may lie.
    """
    above = Path(os.path.abspath(folder))
    places = (Path(root), above, *above.parents[:_NUM_ABOVE])
    return {suffix for place in places for suffix in _converted_from(place, folder)}


def _converted_from(root: Path, folder: str | Path) -> list[str]:
    try:
        mapping = json.loads((root / USED_MAPPING).read_text(encoding='utf-8'))
        labels, suffix = mapping.get('labels', 'labels'), mapping.get('label_suffix', '.png')
        return [suffix] if is_within(root / labels, folder) else []
    except (OSError, ValueError, AttributeError, TypeError):
        return []  # there is none, or one of something else


def report_other_capitals(folder: str | Path, suffix: str) -> None:
    """Warn of files that are left out because their suffix is written in other capitals.

    Args:
        folder: Where to look.
        suffix: End of the names that are taken.
    """
    names = [name for name in files_below(folder) if not name.endswith(suffix)]
    alike = [name for name in names if name.lower().endswith(suffix.lower())]
    if alike:
        get_root_logger().warning(
            f'{len(alike)} files below {folder} are left out: their names end in {suffix!r} in '
            f'other capitals only, as {alike[0]}; rename them'
        )


def _report_companions(folder: str | Path, names: Collection[str], suffix: str) -> None:
    """Warn of files that stand beside most images, named like them with something behind."""
    stems = {name.removesuffix(suffix) for name in names}
    parts = {stem: _LAST_PART.search(stem) for stem in stems}
    ends = Counter(
        part[0] for stem, part in parts.items() if part and stem.removesuffix(part[0]) in stems
    )
    for end, number in ends.most_common(1):
        if 2 * number >= len(stems) - number:
            get_root_logger().warning(
                f'{number} of {len(stems)} images below {folder} are named as another one with '
                f'{end!r} behind: if they are label maps, set seg_map_suffix={end + suffix!r}'
            )


def refuse_dead_links(folder: str | Path, names: list[str]) -> None:
    """Refuse files that are links to nothing.

    Args:
        folder: Where they stand.
        names: Their paths below it.

    Raises:
        UserError: Counts them and names the first.
    """
    dead = [name for name in names if os.path.islink(os.path.join(folder, name))]
    dead = [name for name in dead if not os.path.exists(os.path.join(folder, name))]
    if dead:
        first = os.path.join(folder, dead[0])
        raise UserError(
            f'{len(dead)} of {len(names)} files below {folder} are links to nothing, the first is '
            f'{first} -> {os.readlink(first)}: mend or remove them'
        )


def there_instead(folder: str | Path, setting: str) -> str:
    """Say how the names of the files in a folder end, at the end of a message that misses some.

    Args:
        folder: Where was looked.
        setting: What chooses the end of names, such as `img_suffix`.
    """
    ends = Counter(PurePath(name).suffix for name in files_below(folder))
    if not ends:
        return f': {folder} holds no files'
    shown = ', '.join(f'{number} *{end}' for end, number in ends.most_common(_NUM_SHOWN))
    return f': {folder} holds {shown}; set {setting} to the end of their names'
