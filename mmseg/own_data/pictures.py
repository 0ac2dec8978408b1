"""What lies in a folder that a person gives: pictures, and what is none."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg.datasets.image_io import UnreadableImageError, image_size
from mmseg.datasets.listing import files_below
from mmseg.utils.errors import UserError, UserFileNotFoundError

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.gif')
_NO_PICTURE, _UNREADABLE = 'no picture by its name', 'can not be read'


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


def look_into(folder: Path) -> Folder:
    """List the pictures of a folder and of those below it, links followed.

    Raises:
        UserError: There is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise UserFileNotFoundError(f'there is no folder {folder}')
    pictures: list[Picture] = []
    left_out: dict[str, list[str]] = {}
    for name in files_below(folder):
        path = folder / name
        if path.suffix.lower() not in PICTURES:
            left_out.setdefault(_NO_PICTURE, []).append(name)
            continue
        try:
            with Image.open(path) as image:
                mode = image.mode
            stem = name.removesuffix(path.suffix)
            pictures.append(Picture(stem, path, image_size(path), mode))
        except (UnreadableImageError, OSError, ValueError, SyntaxError):
            left_out.setdefault(_UNREADABLE, []).append(name)
    if not pictures:
        seen = f'; it holds {len(left_out.get(_NO_PICTURE, ()))} other files' if left_out else ''
        raise UserError(f'no picture below {folder} ({", ".join(PICTURES)}){seen}')
    return Folder(folder, pictures, left_out)


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
