"""Whether labels belong to their pictures: what they tell apart has colours of its own.

Labels whose names are shifted by one, or of photographs that a reader has turned upright and the
labels not, pass every check of names and sizes. They explain the colours of their pictures no
better than labels of other pictures do.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from mmseg.datasets.image_io import read_image

from .pictures import Picture

_SIZE = (96, 72)
_NUM_PAIRS, _NUM_OTHERS = 40, 7
_FEWEST = 8
_LEAST_SHARE = 0.75


class Fit(NamedTuple):
    """How many labels fit their pictures.

    Attributes:
        fitting: Those that explain their picture better than labels of other pictures do.
        compared: Of so many.
    """

    fitting: int
    compared: int

    @property
    def is_doubtful(self) -> bool:
        """Whether labels and pictures hardly belong together: enough were compared to tell."""
        return self.compared >= _FEWEST and self.fitting < _LEAST_SHARE * self.compared

    def lines(self) -> list[str]:
        """Warn in a line where that is so."""
        if not self.is_doubtful:
            return []
        return [
            f'do labels and pictures belong together? {self.fitting} of {self.compared} labels '
            'explain the colours of their pictures better than other labels do: names may be '
            'shifted, or photographs turned by EXIF and labels not (look at tools/check_labels.py)'
        ]


def explained_share(image: np.ndarray, labels: np.ndarray) -> float:
    """Return the share, in [0, 1], of the variance of a picture's colours that labels explain.

    It is the variance of the labels' mean colours over that of all pixels.

    Args:
        image: Picture (H, W, 3).
        labels: Any numbers (H, W).

    >>> image = np.array([[[0, 0, 0], [0, 0, 0], [9, 9, 9], [9, 9, 9]]])
    >>> [explained_share(image, np.array(labels)) for labels in ([[1, 1, 2, 2]], [[1, 2, 1, 2]])]
    [1.0, 0.0]
    """
    colours = image.reshape(-1, image.shape[-1]).astype(np.float64)
    colours -= colours.mean(axis=0)
    total = np.square(colours).sum()
    if total == 0:
        return 0.0
    _, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), colours.shape[1]))
    np.add.at(sums, places.ravel(), colours)
    return float((np.square(sums).sum(axis=1) / counts).sum() / total)


def fit_of(pairs: Sequence[tuple[Picture, Callable[[], np.ndarray]]]) -> Fit:
    """Hold labels against their own pictures and against others.

    Args:
        pairs: Pictures, and what reads their labels (H, W); some, spread over all, are looked at.
    """
    spread = np.linspace(0, len(pairs) - 1, min(_NUM_PAIRS, len(pairs))).round().astype(int)
    some = [_small(*pairs[index]) for index in spread]
    # A label of one value explains nothing, whatever its picture shows.
    telling = [(image, labels) for image, labels in some if (labels != labels[0, 0]).any()]
    fitting = sum(_fits(index, telling) for index in range(len(telling)))
    return Fit(fitting, len(telling))


def _fits(index: int, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> bool:
    image, labels = pairs[index]
    step = max(1, len(pairs) // (_NUM_OTHERS + 1))
    others = [pairs[(index + k * step) % len(pairs)][1] for k in range(1, _NUM_OTHERS + 1)]
    own = explained_share(image, labels)
    return all(own > explained_share(image, other) for other in others if other is not labels)


def _small(
    picture: Picture, read_labels: Callable[[], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    image, labels = read_image(picture.path), read_labels()
    rows, columns = (
        (np.arange(cells) + 0.5) * side // cells
        for cells, side in zip(_SIZE[::-1], labels.shape, strict=True)
    )
    return (
        cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA),
        labels[np.ix_(rows.astype(int), columns.astype(int))],
    )
