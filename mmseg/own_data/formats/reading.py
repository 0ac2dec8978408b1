"""What all formats come to: pictures, and for each the label map that it gets."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.errors import UserError, nearest

from ..pictures import Picture
from .shapes import LATER, SMALLER, AnnotatedImage, Annotations, draw

BACKGROUND, IGNORE = 'background', 'ignore'
# What formats call it.
BACKGROUND_NAMES = (BACKGROUND, 'Background', '_background_', 'BACKGROUND')
_NUM_NAMED = 3
_MEANINGS = {
    SMALLER: 'the smaller one is on top, of stuff and things the thing',
    LATER: 'the later one of the file is on top, unless it says otherwise (z_order)',
}


class Reading(NamedTuple):
    """Label maps to come.

    Attributes:
        format: What was read.
        classes: Names (C); label maps hold their indices, 255 for ignored pixels.
        colours: Class → RGB, of those that have one.
        images: Pictures, and what makes the label map (H, W) uint8 of each.
        lines: What was decided or passed over, a line each.
    """

    format: str
    classes: Sequence[str]
    colours: Mapping[str, Sequence[int]]
    images: Sequence[tuple[Picture, Callable[[], np.ndarray]]]
    lines: Sequence[str]


def of_annotations(
    annotations: Annotations,
    pictures: Sequence[Picture],
    rest: str = BACKGROUND,
    on_top: str | None = None,
    ignored: Collection[str] = (),
) -> Reading:
    """Bring annotated regions together with the pictures that they are of.

    Args:
        annotations: The regions.
        pictures: Pictures, found by the names that the annotations give them: whole, without
            folders, without the suffix, whichever fits one alone.
        rest: What pixels of no region are: a class 'background', or 'ignore'.
        on_top: What of overlapping regions is seen, 'smaller' or 'later'; None for the format's.
        ignored: Classes whose regions are ignored pixels.

    Raises:
        UserError: No annotated picture is there, none has the size that it was annotated at, or an
            ignored class is none.
    """
    refuse_unknown(ignored, annotations.classes)
    on_top = on_top or annotations.on_top
    classes = [name for name in annotations.classes if name not in ignored]
    lines = list(annotations.lines)
    lines.append(f'where regions overlap, {_MEANINGS[on_top]}')
    if rest == BACKGROUND:
        known = [name for name in classes if name in BACKGROUND_NAMES][:1]
        classes = [*(known or [BACKGROUND]), *(name for name in classes if name not in known)]
        lines.append(f'pixels of no region are {classes[0]!r} (--rest ignore leaves them out)')
    else:
        lines.append('pixels of no region are ignored (--rest background makes them a class)')
    index_of = {name: index for index, name in enumerate(classes)}
    rest_index = 0 if rest == BACKGROUND else IGNORE_INDEX
    found, told = _with_pictures(annotations, pictures, keeps_bare=rest == BACKGROUND)
    images = [
        (picture, partial(draw, image.shapes, picture.size, index_of, rest_index, on_top))
        for picture, image in found
    ]
    return Reading(annotations.format, classes, annotations.colours, images, [*lines, *told])


def _with_pictures(
    annotations: Annotations, pictures: Sequence[Picture], keeps_bare: bool
) -> tuple[list[tuple[Picture, AnnotatedImage]], list[str]]:
    """Find the picture of each annotated image; say what is left out, a line each."""
    find = _finder(pictures)
    found: dict[Path, tuple[Picture, AnnotatedImage]] = {}
    gone, other_sizes, bare = [], [], []
    for image in annotations.images:
        picture = find(image.name)
        if picture is None:
            gone.append(image.name)
        elif image.size is not None and image.size != picture.size:
            other_sizes.append(f'{image.name} ({_by(image.size)}, the picture {_by(picture.size)})')
        elif picture.path in found:
            raise UserError(f'{picture.path} is annotated twice, the second time as {image.name}')
        else:
            if not image.shapes:
                bare.append(image.name)
            if image.shapes or keeps_bare:
                found[picture.path] = picture, image
    unseen = [picture.path.name for picture in pictures if picture.path not in found]
    lines = [
        f'{len(names)} {what}: {_named(names)}'
        for names, what in (
            (gone, 'annotated pictures are not there: left out'),
            (other_sizes, 'pictures have another size than their annotation: left out'),
            (bare, f'pictures have no region: {"kept" if keeps_bare else "left out"}'),
        )
        if names
    ]
    if not found and not lines:
        raise UserError(f'{annotations.format}: no picture is annotated')
    if not found:
        raise UserError(f'no picture fits the annotations: {lines[-1]}; there are {_named(unseen)}')
    if unseen:
        lines.append(f'{len(unseen)} pictures are not annotated: left out: {_named(unseen)}')
    return list(found.values()), lines


def refuse_unknown(ignored: Collection[str], classes: Collection[str]) -> None:
    """Raise a `UserError` where a class that is to be ignored is none."""
    for name in ignored:
        if name not in classes:
            raise UserError(f'--ignore {name}: there is no such class; {nearest(name, classes)}')


def _finder(pictures: Sequence[Picture]) -> Callable[[str], Picture | None]:
    """Return what finds a picture by any of its names that no other has."""
    ways: Sequence[Callable[[PurePosixPath], str]] = (
        str,
        lambda path: path.name,
        lambda path: str(path.with_suffix('')),
        lambda path: path.stem,
    )
    known: list[dict[str, Picture | None]] = [{} for _ in ways]
    for picture in pictures:
        path = PurePosixPath(picture.name + picture.path.suffix)
        for way, names in zip(ways, known, strict=True):
            names[way(path)] = None if way(path) in names else picture

    def find(name: str) -> Picture | None:
        path = PurePosixPath(name.replace('\\', '/'))
        found = (names.get(way(path)) for way, names in zip(ways, known, strict=True))
        return next((picture for picture in found if picture is not None), None)

    return find


def _by(size: tuple[int, int]) -> str:
    return f'{size[0]}×{size[1]}'


def _named(names: Sequence[str]) -> str:
    return ', '.join(names[:_NUM_NAMED]) + ', …' * (len(names) > _NUM_NAMED)
