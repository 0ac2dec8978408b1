"""Images in one folder tree, label maps in another."""

import copy
import os.path as osp
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch.utils.data import Dataset

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.errors import UserAssertionError, UserError, UserFileNotFoundError
from mmseg.utils.overrides import has_own

from .builder import DATASETS
from .classes import NamesClasses
from .convert_command import convert_command
from .drawing import DrawsImages
from .evaluation import EvaluatesLabels
from .paired_files import PairedFiles
from .pipelines import (
    Compose,
    LoadAnnotations,
    LoadImageFromFile,
    with_margins,
    without_labels,
)
from .skipped import SkippedFiles


@DATASETS.register_module()
class CustomDataset(NamesClasses, DrawsImages, EvaluatesLabels, Dataset):
    """Images and label maps that belong together by name.

    `img_dir/a/b<img_suffix>` has the labels `ann_dir/a/b<seg_map_suffix>`. Both may lie in one
    folder: label maps and what converters write are no images.

    Args:
        pipeline: Transforms that make a sample.
        img_dir: Folder of the images.
        img_suffix: End of an image's name.
        ann_dir: Folder of the label maps; None for images without labels, whose pipeline then
            loads and collects none.
        seg_map_suffix: End of a label map's name.
        split: Text file with an image a line, as `read_split` reads it; None for all images.
        data_root: Folder that relative paths start from.
        test_mode: Whether this is for tests: the pipeline loads no labels then.
        ignore_index: What the label files hold, from 0 to 65535, where pixels do not count; 255
            stands for it, and in files too, wherever labels are read.
        reduce_zero_label: Whether label 0 means "ignore" and the others move down by one, to be the
            classes; so too where the pipeline's `LoadAnnotations` alone says it.
        classes: Class names, a file of them, or None for the data set's own; own data without any
            take the numbers of the network's classes.
        palette: RGB colour of each class.
        eval_classes: Names of the classes over which means are taken; those without a labelled
            pixel are left out. None for all classes.
        extra_means: Further means to report: name → class names.
        stats_dir: Folder of the class statistics that converters write; None for `data_root`.
        load_labels: Whether training samples carry labels; if not, none are read.
        strict: Whether a file that cannot be read stops training instead of being skipped.
        max_skipped_ratio: Share of the samples that may be skipped before training stops.
        crop_pseudo_margins: Of a target: pixels of its original images at the top, at the bottom,
            on the left and on the right in which pseudo labels do not count; None for none.

    Raises:
        UserError: For a missing or empty folder, or images without converted labels.
    """

    CLASSES: Sequence[str] | None = None
    PALETTE: Sequence[Sequence[int]] | None = None
    CONVERTER: ClassVar[str | None] = None

    def __init__(
        self,
        pipeline: Sequence[Mapping[str, Any]],
        img_dir: str,
        img_suffix: str = '.jpg',
        ann_dir: str | None = None,
        seg_map_suffix: str = '.png',
        split: str | None = None,
        data_root: str | None = None,
        test_mode: bool = False,
        ignore_index: int = IGNORE_INDEX,
        reduce_zero_label: bool = False,
        classes: str | Sequence[str] | None = None,
        palette: Sequence[Sequence[int]] | None = None,
        *,
        eval_classes: Sequence[str] | None = None,
        extra_means: Mapping[str, Sequence[str]] | None = None,
        stats_dir: str | None = None,
        load_labels: bool = True,
        strict: bool = False,
        max_skipped_ratio: float = 0.05,
        crop_pseudo_margins: Sequence[int] | None = None,
    ) -> None:
        self.data_root = data_root
        self.img_dir = self._below_root(img_dir)
        self.ann_dir = None if ann_dir is None else self._below_root(ann_dir)
        self.img_suffix = img_suffix
        self.seg_map_suffix = seg_map_suffix
        self.split = None if split is None else self._below_root(split)
        self.stats_dir = self._below_root(stats_dir) if stats_dir else data_root or ''
        self.test_mode = test_mode
        if not 0 <= ignore_index < 1 << 16:
            raise UserAssertionError(
                f'ignore_index: expected a label from 0 to 65535, got {ignore_index}'
            )
        self.ignore_index = ignore_index
        self.CLASSES, self.PALETTE = self.get_classes_and_palette(classes, palette)
        self.eval_classes = eval_classes
        self.extra_means = dict(extra_means or {})
        self.strict = strict

        self.has_labels = self.ann_dir is not None and load_labels
        steps = list(pipeline) if self.has_labels else without_labels(pipeline)
        if crop_pseudo_margins is not None:
            steps = with_margins(steps, crop_pseudo_margins)
        self.pipeline = Compose(steps)
        self.reduce_zero_label = reduce_zero_label or any(
            isinstance(step, LoadAnnotations) and step.reduce_zero_label
            for step in self.pipeline.transforms
        )
        self.label_reader = LoadAnnotations(self.reduce_zero_label)
        self._files = PairedFiles(
            self.img_dir,
            img_suffix,
            self.ann_dir,
            seg_map_suffix,
            self.split,
            data_root,
            self.stats_dir,
            self.has_labels,
        )
        self.img_infos = self.load_annotations(
            self.img_dir, img_suffix, self.ann_dir, seg_map_suffix, self.split
        )
        if self.has_labels:
            self._check_labels_exist()
        self._skipped = SkippedFiles(self.img_dir, max_skipped_ratio)
        self._own_labels: list[np.ndarray] | None = None

    def load_annotations(
        self,
        img_dir: str,
        img_suffix: str,
        ann_dir: str | None,
        seg_map_suffix: str,
        split: str | None,
    ) -> list[dict[str, Any]]:
        """List the images, `filename` and `ann`, `seg_map` of each; the place to override.

        Args:
            img_dir: Folder of the images, as all paths with `data_root` before it.
            img_suffix: End of an image's name.
            ann_dir: Folder of the label maps.
            seg_map_suffix: End of a label map's name.
            split: File that lists the images.
        """
        if not osp.isdir(img_dir):
            raise UserFileNotFoundError(
                f'the image folder {img_dir} of {type(self).__name__} does not exist: '
                'put the data there, or set data_root and img_dir in the config'
            )
        files = replace(
            self._files,
            img_dir=img_dir,
            img_suffix=img_suffix,
            ann_dir=ann_dir,
            seg_map_suffix=seg_map_suffix,
            split=split,
        )
        return files.infos()

    def __len__(self) -> int:
        return len(self.img_infos)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the image at an index; `draw` gives the training samples of a run by this."""
        return self.prepare_test_img(index) if self.test_mode else self.prepare_train_img(index)

    @property
    def makes_own_samples(self) -> bool:
        """Whether a subclass makes samples in a way of its own, which may look into them."""
        return has_own(self, CustomDataset, '__getitem__', 'prepare_train_img')

    def with_pipeline(self, change: Callable[[Compose], Compose]) -> 'CustomDataset':
        """Return this data set with a changed pipeline; both count skipped samples together.

        One that makes its own samples keeps the pipeline that it knows.
        """
        if self.makes_own_samples:
            return self
        other = copy.copy(self)
        other.pipeline = change(self.pipeline)
        return other

    def part_of(self, index: int) -> tuple['CustomDataset', int]:
        """Return the data set of one folder that an image is of, and its index there."""
        return self, index

    def sample_inputs(self, index: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        """Return what the pipeline starts from for one image; `rng` is where draws come from."""
        inputs = {
            'img_info': self.img_infos[index],
            'ann_info': self.get_ann_info(index),
            'ignore_index': self.ignore_index,
            'num_classes': None if self.CLASSES is None else len(self.CLASSES),
            'reduce_zero_label': self.reduce_zero_label,
            'convert_hint': self.convert_hint,
        }
        self.pre_pipeline(inputs)
        return inputs if rng is None else {**inputs, 'rng': rng}

    def get_ann_info(self, index: int) -> dict[str, Any] | None:
        """Return what is known of one image's label map; None for images without."""
        return self.img_infos[index].get('ann')

    def pre_pipeline(self, results: dict[str, Any]) -> None:
        """Add to what the pipeline starts from where files lie and how labels are renamed."""
        results['seg_fields'] = []
        results['img_prefix'] = self.img_dir
        results['seg_prefix'] = self.ann_dir
        results['label_map'] = self.label_map

    def prepare_train_img(self, index: int) -> dict[str, Any]:
        """Return the training sample of one image; see `drawing_from` for its draws."""
        return self.pipeline(self.sample_inputs(index))

    def prepare_test_img(self, index: int) -> dict[str, Any]:
        """Return the test sample of one image."""
        return self.pipeline(self.sample_inputs(index))

    def get_image(self, index: int) -> np.ndarray:
        """Return one image (H, W, 3) at its full size, as the pipeline reads it."""
        steps = (step for step in self.pipeline.transforms if isinstance(step, LoadImageFromFile))
        return next(steps, LoadImageFromFile()).read(self.image_path(index))

    def image_path(self, index: int) -> str:
        """Return the file of an image."""
        return osp.join(self.img_dir, self.img_infos[index]['filename'])

    def get_gt_seg_map(self, index: int) -> np.ndarray:
        """Return the labels (H, W) uint8 of one image, at its full size.

        Raises:
            UserError: For images without labels, and for labels that are not as they should be.
        """
        if not has_own(self, CustomDataset, 'get_gt_seg_maps'):
            return self._read_labels(index)
        if self._own_labels is None:
            self._own_labels = list(self.get_gt_seg_maps())
        return self._own_labels[index]

    def get_gt_seg_maps(self, efficient_test: bool = False) -> Iterator[np.ndarray]:
        """Yield the labels of all images.

        Args:
            efficient_test: Accepted for compatibility: one map is in memory at a time.
        """
        has_own_maps = has_own(self, CustomDataset, 'get_gt_seg_maps')
        return map(self._read_labels if has_own_maps else self.get_gt_seg_map, range(len(self)))

    def _read_labels(self, index: int) -> np.ndarray:
        if self.ann_dir is None:
            raise UserError(f'the images below {self.img_dir} have no labels: ann_dir is not set')
        return self.label_reader(self.sample_inputs(index))['gt_semantic_seg']

    @property
    def convert_command(self) -> str | None:
        """The command that makes this data set's labels and statistics, where there is one."""
        return convert_command(
            self.CONVERTER, self.data_root, self.ann_dir, self.stats_dir, self.seg_map_suffix
        )

    @property
    def convert_hint(self) -> str:
        """What to say at the end of an error that converting the data set would mend."""
        return '' if self.convert_command is None else f'; run: {self.convert_command}'

    def format_results(
        self,
        results: Sequence[np.ndarray],
        imgfile_prefix: str | Path,
        to_label_id: bool = True,
        indices: Sequence[int] | None = None,
    ) -> list[str]:
        """Write label maps as benchmark servers expect them.

        Args:
            results: Predicted train ids (H, W), one map for each image.
            imgfile_prefix: Folder to write to.
            to_label_id: Whether files hold what the server calls the classes, or train ids.
            indices: Which images these are; None for all.

        Returns:
            The files written, one grayscale PNG for each image.
        """
        raise UserError(f'{type(self).__name__} has no benchmark server: nothing to format for')

    def _below_root(self, path: str) -> str:
        return osp.join(self.data_root or '', path)

    def _check_labels_exist(self) -> None:
        if self.ann_dir is None or not osp.isdir(self.ann_dir):
            raise UserFileNotFoundError(f'the label folder {self.ann_dir} does not exist')
        self._files.check_labels(self.img_infos, self.convert_hint)
