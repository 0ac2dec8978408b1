"""Which label belongs to which picture, by what people call their files."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmseg.utils.errors import UserError

from .pictures import Picture

_NUM_NAMED = 3
NO_LABEL = 'pictures have no label'


class Pairs(NamedTuple):
    """Pictures with their labels.

    Attributes:
        pairs: Picture and label of the same size.
        how: By what they belong together.
        left_out: Reason → files that are in no pair.
    """

    pairs: Sequence[tuple[Picture, Picture]]
    how: str
    left_out: Mapping[str, Sequence[Picture]]

    def lines(self, *untold: str) -> list[str]:
        """Say what was left out, a line for each reason but for some."""
        return [
            f'{len(files)} {reason} and are left out: {_named(files)}'
            for reason, files in self.left_out.items()
            if files and reason not in untold
        ]


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
    if not fitting:
        raise _no_size_fits(*both[0])
    return Pairs(
        fitting,
        how,
        {
            NO_LABEL: [ours[name] for name in sorted(ours.keys() - theirs.keys())],
            'labels have no picture': [theirs[n] for n in sorted(theirs.keys() - ours.keys())],
            'pictures share their name with another': _ambiguous(ours, images),
            'labels share their name with another': _ambiguous(theirs, labels),
            'labels are of another size than their pictures': [
                image for image, label in both if image.size != label.size
            ],
        },
    )


def _no_size_fits(image: Picture, label: Picture) -> UserError:
    turned = image.size == label.size[::-1]
    advice = ': labels must be as a viewer shows the photograph, which EXIF may turn' * turned
    return UserError(
        f'no label has the size of its picture: {image.path.name} is {image.size[0]}×'
        f'{image.size[1]}, its label {label.size[0]}×{label.size[1]} (width×height){advice}'
    )


def _ambiguous(found: Mapping[str, Picture], pictures: Sequence[Picture]) -> list[Picture]:
    paths = {picture.path for picture in found.values()}
    return [picture for picture in pictures if picture.path not in paths]


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
