"""What lies in a folder that a person gives: pictures, and what is none."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg.apis.media import VIDEO_SUFFIXES
from mmseg.datasets.image_io import UnreadableImageError, image_size, read_image
from mmseg.datasets.listing import files_below, is_within
from mmseg.utils.errors import UserError, UserFileNotFoundError

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.gif')
_NO_PICTURE, _UNREADABLE = 'no picture by its name', 'can not be read'
_ELSEWHERE = 'they lie in another of the folders and belong to it'
# What a whole file ends with, a few bytes of others after it.
_ENDS = {'PNG': b'IEND', 'JPEG': b'\xff\xd9'}
_NUM_END_BYTES = 64


@dataclass(frozen=True)
class Picture:
    """A picture file.

    Attributes:
        name: Its path below the folder, without the suffix.
        path: The file.
        size: Width and height in pixels, upright as EXIF says.
        mode: Pillow's mode: 'RGB', 'L', 'P', 'I;16', …
    """

    name: str
    path: Path
    size: tuple[int, int]
    mode: str


@dataclass(frozen=True)
class Folder:
    """A folder's pictures.

    Attributes:
        path: The folder.
        pictures: In the order of their names.
        left_out: Reason → files that are none, or can't be read.
    """

    path: Path
    pictures: Sequence[Picture]
    left_out: Mapping[str, Sequence[str]]


def look_into(folder: Path, others: Iterable[Path] = ()) -> Folder:
    """List the pictures of a folder and of those below it, links followed.

    Args:
        folder: Where to look.
        others: Folders whose pictures do not count here where they lie below this one.

    Raises:
        UserError: There is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise UserFileNotFoundError(f'there is no folder {folder}')
    pictures: list[Picture] = []
    left_out: dict[str, list[str]] = {}
    inner = [other for other in others if is_within(other, folder)]
    for name in files_below(folder):
        path = folder / name
        if any(is_within(path.parent, other) for other in inner):
            left_out.setdefault(_ELSEWHERE, []).append(name)
            continue
        if path.suffix.lower() not in PICTURES:
            left_out.setdefault(_NO_PICTURE, []).append(name)
            continue
        try:
            with Image.open(path) as image:
                mode = image.mode
                kind = image.format or ''
            if _may_be_cut_off(path, kind):
                read_image(path)
            stem = name.removesuffix(path.suffix)
            pictures.append(Picture(stem, path, image_size(path), mode))
        except (UnreadableImageError, OSError, ValueError, SyntaxError):
            left_out.setdefault(_UNREADABLE, []).append(name)
    if not pictures:
        raise UserError(f'no picture below {folder} ({", ".join(PICTURES)}){_seen(left_out)}')
    return Folder(folder, pictures, left_out)


def _may_be_cut_off(path: Path, kind: str) -> bool:
    """Whether a file of a kind that ends with a mark does not seem to."""
    if kind not in _ENDS:
        return False
    with path.open('rb') as file:
        file.seek(-min(_NUM_END_BYTES, path.stat().st_size), os.SEEK_END)
        return _ENDS[kind] not in file.read()


def _seen(left_out: Mapping[str, Sequence[str]]) -> str:
    """Say what is there in place of pictures."""
    seen = ''.join(f'; {len(names)} files: {reason}' for reason, names in left_out.items())
    videos = [
        name for name in left_out.get(_NO_PICTURE, ()) if name.lower().endswith(VIDEO_SUFFIXES)
    ]
    if videos:
        seen += f'. Videos have to be taken apart: ffmpeg -i {videos[0]} FOLDER/%06d.png'
    return seen


def typical_size(pictures: Iterable[Picture]) -> tuple[int, int]:
    """Return the median width and the median height."""
    widths, heights = zip(*(picture.size for picture in pictures), strict=True)
    return int(np.median(widths)), int(np.median(heights))


def described(folder: Folder, what: str) -> list[str]:
    """Say what was found in a folder, a line for each thing."""
    pictures = folder.pictures
    sizes = Counter(picture.size for picture in pictures).most_common()
    common = ', '.join(f'{w}×{h} ({number})' for (w, h), number in sizes[:3])
    more = f' and {len(sizes) - 3} more sizes' if len(sizes) > 3 else ''
    modes = ', '.join(f'{m} ({n})' for m, n in Counter(p.mode for p in pictures).most_common())
    lines = [f'{what}: {len(pictures)} pictures in {folder.path}: {common}{more}; {modes}']
    for reason, names in folder.left_out.items():
        lines.append(f'{what}: {len(names)} files left out ({reason}), such as {names[0]}')
    return lines
