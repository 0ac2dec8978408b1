"""Several data sets as one, and one several times over, as mmsegmentation 0.16 names them."""

import copy
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.utils import print_log
from torch.utils.data import Dataset

from mmseg.core.evaluation.percent import SCORES, metrics_table
from mmseg.utils.errors import UserError
from mmseg.utils.seed import numpy_generator

from .builder import DATASETS, build_dataset
from .custom import CustomDataset
from .drawing import DrawsImages
from .evaluation import EvaluatesLabels, Result
from .pipelines import Compose
from .randomness import drawing_from
from .skipped import SkippedFiles


@DATASETS.register_module()
class ConcatDataset(DrawsImages, EvaluatesLabels, Dataset):
    """The images of several data sets, one after the other, each read as its own set reads it.

    In configs: `dict(type='ConcatDataset', datasets=[…])`, a list of data sets, or one data set
    with lists of `img_dir`, `ann_dir` or `split`.

    Args:
        datasets: The sets, or their configs; all with the same classes, all with labels or none.
        separate_eval: Whether evaluation gives the means of each set too, as '0_mIoU', '1_mIoU', …;
            'mIoU' is that of all images together.
        max_skipped_ratio: Share of the samples that may be skipped before training stops.
        shares: How often training draws from each set, in proportion to each other: `[1, 1]` for as
            often from one as from the other; None for as often as it has images. Rare class
            sampling, which draws a class first, takes them among the sets that show it.

    Raises:
        UserError: For no set, for sets that differ in classes or labels, for pairs of domains, and
            for shares that are no positive number for each set.
    """

    def __init__(
        self,
        datasets: Sequence[Any],
        separate_eval: bool = True,
        max_skipped_ratio: float = 0.05,
        shares: Sequence[float] | None = None,
    ) -> None:
        built = [build_dataset(d) if isinstance(d, Mapping | list) else d for d in datasets]
        _check_alike(built)
        self.datasets: list[CustomDataset | ConcatDataset] = built
        self.separate_eval = separate_eval
        self.shares = None if shares is None else _checked_shares(shares, len(built))
        first = built[0]
        self.CLASSES, self.PALETTE = first.CLASSES, first.PALETTE
        self.eval_classes, self.extra_means = first.eval_classes, first.extra_means
        self.ignore_index = first.ignore_index
        self.has_labels = first.has_labels
        self.strict = any(dataset.strict for dataset in built)
        self.data_root = first.data_root
        self.img_dir = ', '.join(dict.fromkeys(dataset.img_dir for dataset in built))
        self.ann_dir = ', '.join(dict.fromkeys(str(dataset.ann_dir) for dataset in built))
        self._starts = np.cumsum([0, *map(len, built)])
        self._skipped = SkippedFiles(self.img_dir, max_skipped_ratio)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the image at an index; training samples of a run come from `draw`."""
        part, place = self.part_of(index)
        return part[place]

    def draw(self, position: int, seed: int) -> dict[str, Any]:
        """Return the training sample at a position of a run; see `DrawsImages`.

        With `shares` every sample is drawn by itself, so that an image may come again before others
        came at all.
        """
        if self.shares is None:
            return super().draw(position, seed)
        rng = numpy_generator('sample by shares', seed, position)
        everything = np.arange(len(self))

        def candidates() -> Iterator[int]:
            while True:
                yield self.choose_by_shares(everything, rng)

        with drawing_from(rng):
            return self.read_first(candidates(), self.__getitem__)

    def choose_by_shares(self, indices: np.ndarray, rng: np.random.Generator) -> int:
        """Draw one of some images (N), ascending: a set by its share, then an image of it."""
        if self.shares is None:
            return int(rng.choice(indices))
        bounds = np.searchsorted(indices, self._starts)
        weights = self.shares * (bounds[1:] > bounds[:-1])
        number = int(rng.choice(len(weights), p=weights / weights.sum()))
        return int(indices[rng.integers(bounds[number], bounds[number + 1])])

    def part_of(self, index: int) -> tuple[CustomDataset, int]:
        """Return the data set of one folder that an image is of, and its index there."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        number = int(np.searchsorted(self._starts, index, side='right')) - 1
        return self.datasets[number].part_of(index - int(self._starts[number]))

    def with_pipeline(self, change: Callable[[Compose], Compose]) -> 'ConcatDataset':
        """Return this data set with changed pipelines of its parts."""
        other = copy.copy(self)
        other.datasets = [dataset.with_pipeline(change) for dataset in self.datasets]
        return other

    @property
    def cumulative_sizes(self) -> list[int]:
        """Where the images of each set end, as in PyTorch's `ConcatDataset`."""
        return self._starts[1:].tolist()

    @property
    def evaluates_maps(self) -> bool:
        """Whether a part does; see `EvaluatesLabels`."""
        return any(dataset.evaluates_maps for dataset in self.datasets)

    @property
    def img_infos(self) -> list[dict[str, Any]]:
        """What is known of each image; see `CustomDataset`."""
        return [info for dataset in self.datasets for info in dataset.img_infos]

    def sample_inputs(self, index: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        """Return what the pipeline starts from for one image."""
        part, place = self.part_of(index)
        return part.sample_inputs(place, rng)

    def get_image(self, index: int) -> np.ndarray:
        """Return one image (H, W, 3) at its full size, as its pipeline reads it."""
        part, place = self.part_of(index)
        return part.get_image(place)

    def image_path(self, index: int) -> str:
        """Return the file of an image."""
        part, place = self.part_of(index)
        return part.image_path(place)

    def get_gt_seg_map(self, index: int) -> np.ndarray:
        """Return the labels (H, W) uint8 of one image, at its full size."""
        part, place = self.part_of(index)
        return part.get_gt_seg_map(place)

    def evaluate(
        self,
        results: Sequence[Result],
        metric: str | Sequence[str] = 'mIoU',
        logger: logging.Logger | str | None = None,
        efficient_test: bool = False,
    ) -> dict[str, float]:
        """Measure predictions on all images, and on each set alone with `separate_eval`."""
        scores = super().evaluate(results, metric)
        for number, dataset in enumerate(self.datasets if self.separate_eval else ()):
            own = results[self._starts[number] : self._starts[number + 1]]
            found = dataset.evaluate(own, metric)
            scores |= {f'{number}_{name}': found[name] for name in SCORES if name in found}
        if logger is not None:
            print_log(metrics_table(scores), logger)
        return scores

    def format_results(
        self,
        results: Sequence[np.ndarray],
        imgfile_prefix: str | Path,
        to_label_id: bool = True,
        indices: Sequence[int] | None = None,
    ) -> list[str]:
        """Write label maps as the parts' benchmark servers expect them; see `CustomDataset`."""
        written: list[str] = []
        for index, labels in zip(indices or range(len(self)), results, strict=True):
            part, place = self.part_of(index)
            written += part.format_results([labels], imgfile_prefix, to_label_id, [place])
        return written


@DATASETS.register_module()
class RepeatDataset(ConcatDataset):
    """A data set several times over: among others in a `ConcatDataset` its images come as often.

    Training draws without end, so alone it is drawn from as the set itself.

    Args:
        dataset: The set, or its config.
        times: How often, at least 1.

    Raises:
        UserError: As for `ConcatDataset`, and for a number that is none.
    """

    def __init__(self, dataset: Any, times: int) -> None:
        if isinstance(times, bool) or times < 1:
            raise UserError(f'RepeatDataset: times must be 1 or more, got {times}')
        built = build_dataset(dataset) if isinstance(dataset, Mapping | list) else dataset
        super().__init__([built] * times, separate_eval=False)
        self.dataset, self.times = built, times


def _checked_shares(shares: Sequence[float], number: int) -> np.ndarray:
    if len(shares) != number or not all(0 < share < np.inf for share in shares):
        raise UserError(
            f'ConcatDataset: shares: expected a number above 0 for each of {number} data sets, got '
            f'{shares}'
        )
    return np.asarray(shares, float)


def _check_alike(datasets: Sequence[Any]) -> None:
    if not datasets:
        raise UserError('ConcatDataset: expected at least one data set, got none')
    for dataset in datasets:
        if not isinstance(dataset, CustomDataset | ConcatDataset):
            raise UserError(
                f'ConcatDataset and RepeatDataset take sets of images, got {type(dataset).__name__}'
                ': join or repeat the source, or the target, within UDADataset'
            )
    kinds = [(d.CLASSES and list(d.CLASSES), d.has_labels) for d in datasets]
    for dataset, kind in zip(datasets, kinds, strict=True):
        if kind != kinds[0]:
            raise UserError(
                'ConcatDataset: expected the same classes in all sets, and labels in all or none: '
                f'{datasets[0].img_dir} has {_named(kinds[0])}, {dataset.img_dir} {_named(kind)}'
            )


def _named(kind: tuple[Any, bool]) -> str:
    classes, has_labels = kind
    return f'{"labels" if has_labels else "no labels"} and the classes {classes}'
