"""Class statistics of a data set, read from what a converter wrote and checked against it."""

import json
import os.path as osp
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.errors import UserError

from .custom import CustomDataset
from .pipelines.loading import remap_label
from .statistics_files import IS_WELL_FORMED, SAMPLES_WITH_CLASS_FILE, STATS_FILE


class Statistics(Protocol):
    """Class statistics of a data set, for itself or joined."""

    def stats(self) -> list[dict[int, int]]:
        """Return for each image of the data set class → pixels."""

    def images_of(self, classes: Sequence[int], min_pixels: int) -> dict[int, np.ndarray]:
        """Return for each class the images that hold more than `min_pixels` of it."""


def statistics_of(dataset: Any) -> Statistics:
    """Return the class statistics of a data set, or of those that it joins."""
    return JoinedStatistics(dataset) if hasattr(dataset, 'datasets') else StatisticsFiles(dataset)


class JoinedStatistics:
    """The class statistics of data sets that are joined, each from its own files.

    Args:
        dataset: A `ConcatDataset`.
    """

    def __init__(self, dataset: Any) -> None:
        once = {id(part): statistics_of(part) for part in dataset.datasets}
        self._parts = [(once[id(part)], len(part)) for part in dataset.datasets]

    def stats(self) -> list[dict[int, int]]:
        """Return for each image of all data sets class → pixels."""
        return [image for part, _ in self._parts for image in part.stats()]

    def images_of(self, classes: Sequence[int], min_pixels: int) -> dict[int, np.ndarray]:
        """Return for each class the images, of all data sets, that hold enough of it."""
        found: dict[int, list[np.ndarray]] = {c: [np.zeros(0, np.int64)] for c in classes}
        start = 0
        for part, length in self._parts:
            present = {c for image in part.stats() for c, pixels in image.items() if pixels}
            own = [c for c in classes if c in present]
            for c, indices in part.images_of(own, min_pixels).items():
                found[c].append(indices + start)
            start += length
        return {c: np.concatenate(indices) for c, indices in found.items()}


class StatisticsFiles:
    """The class statistics that a converter wrote for a data set.

    Args:
        dataset: The data set; the files stand in its `stats_dir`.
    """

    def __init__(self, dataset: CustomDataset) -> None:
        self.dataset = dataset
        self._index_of = {info['ann']['seg_map']: i for i, info in enumerate(dataset.img_infos)}
        # Classes in the files are those of the label maps, before any renaming.
        ids = np.arange(256, dtype=np.uint8)
        self._renamed = remap_label(
            ids, dataset.label_map, dataset.reduce_zero_label, dataset.ignore_index
        )
        # Each file and class stands in the statistics many times.
        self._find = cache(self._find_index)
        self._classes: dict[str, int | None] = {}

    def stats(self) -> list[dict[int, int]]:
        """Return for each image of the data set class → pixels.

        Raises:
            UserError: For a missing file, an image that is gone, a class out of range.
        """
        samples = []
        for entry in self._read(STATS_FILE):
            if self._index(entry['file'], 'all classes') is None:
                continue
            pixels: Counter[int] = Counter()
            for key, count in entry.items():
                if key != 'file' and (c := self._class(key, entry['file'])) is not None:
                    pixels[c] += count
            samples.append(dict(pixels))
        return samples

    def images_of(self, classes: Sequence[int], min_pixels: int) -> dict[int, np.ndarray]:
        """Return for each class the images that hold more than `min_pixels` of it.

        Args:
            classes: Classes that occur in the statistics.
            min_pixels: Number of pixels an image must exceed.

        Returns:
            Class → indices of images.

        Raises:
            UserError: For a missing file, an image that is gone, a class without any image.
        """
        listed: set[int] = set()
        indices: dict[int, list[int]] = {c: [] for c in classes}
        for key, entries in self._read(SAMPLES_WITH_CLASS_FILE).items():
            c = self._class(key, SAMPLES_WITH_CLASS_FILE)
            if c not in indices:
                continue
            found = [
                (self._index(file, class_name(self.dataset.CLASSES, c)), pixels)
                for file, pixels in entries
            ]
            if any(index is not None for index, _ in found):
                listed.add(c)
            indices[c] += [i for i, pixels in found if i is not None and pixels > min_pixels]
        for c in classes:
            if c not in listed:
                raise UserError(
                    f'{self._path(SAMPLES_WITH_CLASS_FILE)} lists no image for class '
                    f'{class_name(self.dataset.CLASSES, c)}, which {STATS_FILE} counts'
                    f'{self.dataset.convert_hint}'
                )
        return {c: np.array(sorted(found), np.int64) for c, found in indices.items()}

    def _index(self, file: str, what_for: str) -> int | None:
        """Find the image whose label file this is; None where a split leaves it out."""
        index = self._find(file)
        if index is not None or self.dataset.split is not None:
            return index
        raise UserError(
            f'{file}, which the class statistics in {self.dataset.stats_dir} list for {what_for}, '
            f'is gone or has no image in {self.dataset.img_dir}{self.dataset.convert_hint}'
        )

    def _find_index(self, file: str) -> int | None:
        """Find the longest end of a path, from any system, that the data set knows."""
        parts = file.replace('\\', '/').split('/')
        ends = ('/'.join(parts[start:]) for start in range(len(parts)))
        return next((self._index_of[end] for end in ends if end in self._index_of), None)

    def _class(self, key: str, where: str) -> int | None:
        """Return the data set's class for one in the files; None where it is ignored."""
        if key not in self._classes:
            self._classes[key] = self._find_class(key, where)
        return self._classes[key]

    def _find_class(self, key: str, where: str) -> int | None:
        c = int(self._renamed[int(key)]) if 0 <= int(key) <= IGNORE_INDEX else int(key)
        if c == IGNORE_INDEX or int(key) == self.dataset.ignore_index:
            return None
        num_classes = len(self.dataset.CLASSES or ()) or IGNORE_INDEX
        if not 0 <= c < num_classes:
            raise UserError(
                f'the class statistics in {self.dataset.stats_dir} hold class {key} ({where}): '
                f'expected 0 to {num_classes - 1}{self.dataset.convert_hint}'
            )
        return c

    def _path(self, name: str) -> str:
        return osp.join(self.dataset.stats_dir, name)

    def _read(self, name: str) -> Any:
        path = self._path(name)
        try:
            with open(path, encoding='utf-8') as file:
                content = json.load(file)
            if IS_WELL_FORMED[name](content):
                return content
            problem = 'does not hold what the converters write'
        except FileNotFoundError:
            problem = 'is missing'
        except json.JSONDecodeError:
            problem = 'is cut off'
        except (OSError, ValueError, RecursionError):
            problem = 'cannot be read'
        raise UserError(
            f'rare class sampling needs {path}, which {problem}{self.dataset.convert_hint}'
        )


def class_name(classes: Sequence[str] | None, label: int) -> str:
    """Return what a class is called, for messages."""
    return str(label) if classes is None else f'{label} ({classes[label]})'
