"""Rare class sampling (Hoyer et al., CVPR 2022, section 3.3): rare classes are seen more often.

P(c) = softmax over c of (1 - f_c) / T, with f_c the share of pixels of class c. A class is drawn,
then an image that shows it, then crops of that image until one shows it too.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from torch.utils.data import Dataset

from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from mmseg.utils.overrides import RefusesOverrides
from mmseg.utils.seed import numpy_generator

from .builder import DATASETS, build_dataset
from .class_statistics import class_name, statistics_of
from .concat import ConcatDataset
from .custom import CustomDataset
from .pipelines import Compose
from .randomness import drawing_from

_MAX_RECROPS = 10
# Images enlarged to twice their sides have four times the pixels that were counted.
_MAX_CROP_RATIO = 4


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
    temperature = _checked_temperature(temperature)
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


def _checked_temperature(value: float | str) -> float:
    try:
        temperature = float(value)
    except (TypeError, ValueError):
        temperature = float('nan')
    if not temperature > 0:
        raise UserError(f'class_temp must be above 0 (or inf), got {value}')
    return temperature


def _check_settings(min_pixels: int, class_temp: float | str, min_crop_ratio: float) -> None:
    _checked_temperature(class_temp)
    if not min_pixels >= 0:
        raise UserError(f'min_pixels must be 0 or more, got {min_pixels}')
    if not min_crop_ratio >= 0:
        raise UserError(f'min_crop_ratio must be 0 or more, got {min_crop_ratio}')
    if min_crop_ratio > _MAX_CROP_RATIO:
        get_root_logger().warning(
            f'min_crop_ratio={min_crop_ratio}: crops must then show that many times what a whole '
            'image shows of a class; usual are 0 to 1, and 2 where images are enlarged'
        )


@DATASETS.register_module()
class RareClassDataset(RefusesOverrides, Dataset):
    """A labelled data set whose training samples are drawn by class.

    Args:
        source: The data set, or its config; its folder holds the statistics that the converters
            write.
        min_pixels: An image shows a class if it holds more pixels of it than this.
        class_temp: Temperature T of the class probabilities.
        min_crop_ratio: Share of `min_pixels` that a crop must exceed (with `min_pixels` 0 the class
            must show at all); 0 takes the first crop.

    Raises:
        UserError: For settings out of range, and statistics that are missing or do not fit the data
            set.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = {
        '__getitem__': 'override draw, which gives training its samples'
    }

    def __init__(
        self,
        source: Any,
        min_pixels: int = 3000,
        class_temp: float | str = 0.01,
        min_crop_ratio: float = 0.5,
    ) -> None:
        _check_settings(min_pixels, class_temp, min_crop_ratio)
        self.source = build_dataset(source) if isinstance(source, Mapping | list) else source
        if not self.source.has_labels:
            raise UserError('rare class sampling needs a source with labels: set its ann_dir')
        self.CLASSES, self.PALETTE = self.source.CLASSES, self.source.PALETTE
        self.ignore_index = self.source.ignore_index
        self.min_pixels = min_pixels
        self.min_crop_pixels = min_pixels * min_crop_ratio
        self.num_recrops = _MAX_RECROPS if min_crop_ratio > 0 else 0
        files = statistics_of(self.source)
        self.classes, self.probs = class_probabilities(files.stats(), class_temp)
        self.images_of = files.images_of(self.classes, min_pixels)
        self._leave_out_small_classes()
        self._split_pipeline()

    def _split_pipeline(self) -> None:
        """Split the pipeline of a source of one folder; those of joined ones differ."""
        if isinstance(self.source, CustomDataset):
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
        rng = numpy_generator('rare class sample', seed, position)
        drawn = int(rng.choice(self.classes, p=self.probs))
        return self.source.read_first(
            self._candidates(drawn, rng), lambda index: self._sample_with(drawn, index, rng)
        )

    def _candidates(self, drawn: int, rng: np.random.Generator) -> Iterator[int]:
        images = self.images_of[drawn]
        while True:
            if isinstance(self.source, ConcatDataset):
                yield self.source.choose_by_shares(images, rng)
            else:
                yield int(rng.choice(images))

    def _sample_with(self, drawn: int, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """Load an image once and crop it until the crop shows the class."""
        part, place = self.source.part_of(index)
        load, augment, finish = part.pipeline.split_at_random()
        if part is self.source:
            load, augment, finish = self._load, self._augment, self._finish
        if part.makes_own_samples:
            return self._own_sample_with(drawn, part, place, rng)
        loaded = load(part.sample_inputs(place, rng))
        if not augment.transforms:
            return finish(loaded)
        for _ in range(1 + self.num_recrops):
            sample = augment(dict(loaded))
            if np.count_nonzero(sample['gt_semantic_seg'] == drawn) > self.min_crop_pixels:
                break
        return finish(sample)

    def _own_sample_with(
        self, drawn: int, part: CustomDataset, place: int, rng: np.random.Generator
    ) -> dict[str, Any]:
        """Have a data set make whole samples until one shows the class."""
        for _ in range(1 + self.num_recrops):
            with drawing_from(rng):
                sample = part[place]
            labels = sample['gt_semantic_seg']
            labels = np.asarray(getattr(labels, 'data', labels))
            if np.count_nonzero(labels == drawn) > self.min_crop_pixels:
                break
        return sample

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
