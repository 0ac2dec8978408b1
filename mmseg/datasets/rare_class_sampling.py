"""Rare class sampling (Hoyer et al., CVPR 2022, section 3.3): rare classes are seen more often.

P(c) = softmax over c of (1 - f_c) / T, with f_c the share of pixels of class c. A class is drawn,
then an image that shows it, then crops of that image until one shows it too.
"""

import copy
import json
import os.path as osp
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
from torch.utils.data import Dataset

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from mmseg.utils.seed import numpy_generator

from .builder import DATASETS, build_dataset
from .custom import CustomDataset
from .pipelines import Compose
from .pipelines.loading import remap_label
from .statistics_files import IS_WELL_FORMED, SAMPLES_WITH_CLASS_FILE, STATS_FILE

_MAX_RECROPS = 10


def class_probabilities(
    stats: Sequence[Mapping[Any, Any]], temperature: float | str
) -> tuple[list[int], np.ndarray]:
    """Turn pixel counts into the probability with which each class is drawn.

    Args:
        stats: For each image, class → pixels, and perhaps its file under `file`.
        temperature: T > 0; small values favour rare classes, infinity draws all alike.

    Returns:
        The classes that occur, rarest first, and their probabilities (C,), float64.

    Raises:
        UserError: For a temperature that is not positive, or statistics without any pixel.
    """
    temperature = float(temperature)
    if not temperature > 0:
        raise UserError(f'class_temp must be above 0 (or inf), got {temperature}')
    pixels: Counter[int] = Counter()
    for sample in stats:
        pixels.update({int(c): n for c, n in sample.items() if c != 'file' and n > 0})
    if not pixels:
        raise UserError('the class statistics hold no labelled pixel')
    classes = sorted(pixels, key=pixels.__getitem__)
    counts = np.array([pixels[c] for c in classes], np.float64)
    exponents = (1 - counts / counts.sum()) / temperature
    weights = np.exp(exponents - exponents.max())
    return classes, weights / weights.sum()


@DATASETS.register_module()
class RareClassDataset(Dataset):
    """A labelled data set whose training samples are drawn by class.

    Args:
        source: The data set, or its config; its folder holds the statistics that the converters
            write.
        min_pixels: An image shows a class if it holds more pixels of it than this.
        class_temp: Temperature T of the class probabilities.
        min_crop_ratio: Share of `min_pixels` that a crop must hold; 0 takes the first crop.

    Raises:
        UserError: For missing statistics, or ones that do not fit the data set.
    """

    def __init__(
        self,
        source: CustomDataset | Mapping[str, Any],
        min_pixels: int = 3000,
        class_temp: float | str = 0.01,
        min_crop_ratio: float = 0.5,
    ) -> None:
        if isinstance(source, Mapping):
            source = cast(CustomDataset, build_dataset(source))
        self.source = source
        if not self.source.has_labels:
            raise UserError('rare class sampling needs a source with labels: set its ann_dir')
        self.CLASSES, self.PALETTE = self.source.CLASSES, self.source.PALETTE
        self.ignore_index = self.source.ignore_index
        self.min_pixels = min_pixels
        self.min_crop_pixels = min_pixels * min_crop_ratio
        files = StatisticsFiles(self.source)
        self.classes, self.probs = class_probabilities(files.stats(), class_temp)
        self.images_of = files.images_of(self.classes, min_pixels)
        self._leave_out_small_classes()
        self._split_pipeline()

    def _split_pipeline(self) -> None:
        self._load, self._augment, self._finish = self.source.pipeline.split_at_random()

    def with_pipeline(self, change: Callable[[Compose], Compose]) -> 'RareClassDataset':
        """Return this data set with a changed pipeline of its source."""
        other = copy.copy(self)
        other.source = self.source.with_pipeline(change)
        other._split_pipeline()
        return other

    def __len__(self) -> int:
        return len(self.source)

    @property
    def num_skipped(self) -> int:
        """How many samples were replaced because a file could not be decoded."""
        return self.source.num_skipped

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the image at an index; training samples of a run come from `draw`."""
        return self.source[index]

    def draw(self, position: int, seed: int) -> dict[str, Any]:
        """Return the training sample at a position of a run.

        Args:
            position: Position in the run, from 0.
            seed: The run's seed.

        Returns:
            What the source's pipeline makes of an image that shows the class drawn.
        """
        rng = numpy_generator(seed, position)
        drawn = int(rng.choice(self.classes, p=self.probs))
        return self.source.read_first(
            self._candidates(drawn, rng), lambda index: self._sample_with(drawn, index, rng)
        )

    def _candidates(self, drawn: int, rng: np.random.Generator) -> Iterator[int]:
        while True:
            yield int(rng.choice(self.images_of[drawn]))

    def _sample_with(self, drawn: int, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """Load an image once and crop it until the crop shows the class."""
        if not self._augment.transforms:
            return self.source.prepare_train_img(index, rng)
        loaded = self._load(self.source.sample_inputs(index, rng))
        for _ in range(1 + _MAX_RECROPS):
            sample = self._augment(dict(loaded))
            if np.count_nonzero(sample['gt_semantic_seg'] == drawn) >= self.min_crop_pixels:
                break
        return self._finish(sample)

    def _leave_out_small_classes(self) -> None:
        """Drop classes that no image shows enough of, here and not after hours of training."""
        shown = [len(self.images_of[c]) > 0 for c in self.classes]
        if not any(shown):
            raise UserError(
                f'no image of {self.source.img_dir} holds more than min_pixels={self.min_pixels} '
                'pixels of any class: lower rare_class_sampling.min_pixels'
            )
        if all(shown):
            return
        small = [c for c, s in zip(self.classes, shown, strict=True) if not s]
        names = ', '.join(class_name(self.CLASSES, c) for c in small)
        get_root_logger().warning(
            f'rare class sampling never draws {names}: no image holds more than {self.min_pixels} '
            'pixels (rare_class_sampling.min_pixels)'
        )
        self.classes = [c for c in self.classes if c not in small]
        self.probs = self.probs[shown] / self.probs[shown].sum()


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
