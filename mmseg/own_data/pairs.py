"""Which label belongs to which picture, by what people call their files."""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mmseg.utils.errors import UserError

from .pictures import Picture

_NUM_NAMED = 3


class Pairs(NamedTuple):
    """Pictures with their labels.

    Attributes:
        pairs: Picture and label of the same size.
        how: By what they belong together.
        lines: What was left out, a line each.
    """

    pairs: Sequence[tuple[Picture, Picture]]
    how: str
    lines: Sequence[str]


def pair_up(images: Sequence[Picture], labels: Sequence[Picture]) -> Pairs:
    """Find the label of each picture.

    Names that are the same count first; then those that are so without what all names of a folder
    end with, such as `_mask`; then without the folders that files lie in.

    Args:
        images: Pictures.
        labels: Label files.

    Raises:
        UserError: Nothing fits, or less than half.
    """
    best: tuple[dict[str, Picture], dict[str, Picture], str] | None = None
    best_count = 0
    for names, how in (
        (lambda some: [p.name for p in some], 'the same names'),
        (_without_common_end, 'names that differ in how all of a folder end'),
        (lambda some: _last_parts(_without_common_end(some)), 'names, folders aside'),
    ):
        ours, theirs = _unique(names(images), images), _unique(names(labels), labels)
        count = len(ours.keys() & theirs.keys())
        if count > best_count:
            best, best_count = (ours, theirs, how), count
    if best is None or 2 * best_count < min(len(images), len(labels)):
        raise UserError(
            f'labels and pictures do not belong together: {best_count} of {len(images)} pictures '
            f'have a label of their name, as of {images[0].path.name} and {labels[0].path.name}'
        )
    ours, theirs, how = best
    both = [(ours[name], theirs[name]) for name in sorted(ours.keys() & theirs.keys())]
    fitting = [pair for pair in both if pair[0].size == pair[1].size]
    other_sizes = [pair[0] for pair in both if pair[0].size != pair[1].size]
    if not fitting:
        image, label = both[0]
        raise UserError(
            f'no label has the size of its picture: {image.path.name} is {image.size[0]}×'
            f'{image.size[1]}, its label {label.size[0]}×{label.size[1]} (width×height)'
        )
    lone = [ours[name] for name in sorted(ours.keys() - theirs.keys())]
    unused = [theirs[name] for name in sorted(theirs.keys() - ours.keys())]
    left_out = {
        'pictures have no label': lone,
        'labels have no picture': unused,
        'labels are of another size than their pictures': other_sizes,
    }
    lines = [
        f'{len(files)} {reason} and are left out: {_named(files)}'
        for reason, files in left_out.items()
        if files
    ]
    return Pairs(fitting, how, lines)


def _unique(names: Sequence[str], pictures: Sequence[Picture]) -> dict[str, Picture]:
    """Return the pictures whose names no other has."""
    counts = Counter(names)
    return {
        name: picture for name, picture in zip(names, pictures, strict=True) if counts[name] == 1
    }


def _without_common_end(pictures: Sequence[Picture]) -> list[str]:
    names = [picture.name for picture in pictures]
    backwards = zip(*(reversed(name) for name in names), strict=False)
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, backwards)
    end = ''.join(letters[0] for letters in alike)[::-1]
    # An end that all share begins at a mark: 1_mask and 11_mask do not share 1_mask.
    starts = [end.find(mark) for mark in '_-.' if mark in end]
    end = end[min(starts) :] if starts and len(names) > 1 else ''
    return [name.removesuffix(end) for name in names]


def _last_parts(names: Sequence[str]) -> list[str]:
    return [name.rpartition('/')[2] for name in names]


def _named(pictures: Sequence[Picture]) -> str:
    names = [picture.path.name for picture in pictures[:_NUM_NAMED]]
    return ', '.join(names) + ', …' * (len(pictures) > _NUM_NAMED)
