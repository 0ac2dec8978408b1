"""Folders as people have them."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (64, 48)


def save(path: Path, values: object, mode: str | None = None) -> None:
    """Write a picture file from an array, or a plain one of a size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.asarray(values)
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(path)


def photographs(folder: Path, names: list[str], size: tuple[int, int] = SIZE) -> Path:
    """Write pictures of noise."""
    rng = np.random.default_rng(len(names))
    for name in names:
        save(folder / name, rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    return folder


def id_maps(
    folder: Path,
    names: list[str],
    values: tuple[int, ...] = (0, 1, 2),
    size: tuple[int, int] = SIZE,
) -> Path:
    """Write label files that hold stripes of ids."""
    stripes = np.resize(np.repeat(np.array(values, np.uint8), 8), size[1])
    for name in names:
        save(folder / name, np.repeat(stripes[:, None], size[0], axis=1))
    return folder
