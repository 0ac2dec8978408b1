"""Whether a few images and labels are what training can learn from.

Few are read, spread over the folder: what is wrong with one in a thousand is told when it is met.
"""

import os
import time
from typing import Any

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.settings import DataSettings
from mmseg.datasets.image_io import MissingImageError, UnreadableImageError, read_label
from mmseg.datasets.pipelines.loading import image_path, label_path
from mmseg.utils.errors import UserError

from .run import Finding, Findings, RunUnderCheck

_NUM_SAMPLES = 6
_NUM_NAMED = 3
# How long labels are looked through for a second class.
_MAX_SECONDS = 1.0
_UNREADABLE = (UnreadableImageError, MissingImageError)
# More values than these outside the classes are shades of grey, not labels.
_MAX_STRAY_VALUES = 3


def source_can_be_learnt_from(run: RunUnderCheck) -> Findings:
    """Read some labelled training images."""
    yield from _labels(run.source, 'data.train' if run.target is None else 'data.train.source')
    yield from _images(run.source)
    if run.target_labelled is not None:
        yield from _labels(run.target_labelled, 'data.train.target_labelled')


def no_label_is_tested_on(run: RunUnderCheck) -> Findings:
    """Refuse to train on labelled images of the target that are evaluated or tested on."""
    if run.target_labelled is None:
        return
    trained = _files(run.target_labelled)
    for name, dataset in (('data.val', run.val), ('data.test', run.test)):
        both = sorted(trained & _files(dataset)) if dataset is not None else []
        if both:
            named = ', '.join(both[:_NUM_NAMED]) + ', …' * (len(both) > _NUM_NAMED)
            yield Finding(
                'error',
                f'data.train.target_labelled: {len(both)} of its {len(trained)} images are in '
                f'{name} too, where they would be tested on what was learnt by heart: {named}',
            )


def _files(dataset: Any) -> set[str]:
    """Return the files of a data set's images, wherever links lead."""
    return {os.path.realpath(dataset.image_path(index)) for index in range(len(dataset))}


def target_can_be_adapted_to(run: RunUnderCheck) -> Findings:
    """Read some images of the target."""
    if run.target is None:
        return
    yield from _images(run.target)
    if len(run.target) == 1:
        yield Finding(
            'warning',
            f'the target {run.target.img_dir} holds a single image: the network adapts to it alone',
        )


def source_fills_a_batch(run: RunUnderCheck) -> Findings:
    """Compare the number of labelled images with the batch."""
    num_images, batch = len(run.source), DataSettings.of(run.cfg).samples_per_gpu
    if num_images < batch:
        yield Finding(
            'warning',
            f'data.samples_per_gpu is {batch}, and {run.source.img_dir} holds {num_images} '
            'images: every batch shows some of them more than once',
        )


def _labels(dataset: Any, name: str) -> Findings:
    seen, num_read = np.zeros(IGNORE_INDEX + 1, bool), 0
    end = time.monotonic() + _MAX_SECONDS
    indices = dict.fromkeys([*spread(len(dataset), _NUM_SAMPLES), *range(len(dataset))])
    for position, index in enumerate(indices):
        is_clear = seen[:IGNORE_INDEX].sum() > 1
        if position >= _NUM_SAMPLES and (is_clear or time.monotonic() > end):
            break
        try:
            label = dataset.get_gt_seg_map(index)
            _check_size(dataset, index, label)
        except _UNREADABLE:
            continue
        except UserError as error:
            yield Finding('error', f'{error}{_hint_of_grey(dataset, index)}')
            return
        seen[np.unique(label)] = True
        num_read += 1
    if num_read:
        yield from _judge(dataset, name, seen, num_read)


def _judge(dataset: Any, name: str, seen: np.ndarray, num_read: int) -> Findings:
    present = np.flatnonzero(seen[:IGNORE_INDEX])
    where, is_all = f'{num_read} in {dataset.ann_dir}', num_read == len(dataset)
    if not len(present):
        yield Finding(
            'error' if is_all else 'warning',
            f'{name}: no pixel of the labels read so far ({where}) is of a class: all are '
            f'{IGNORE_INDEX}, which means ignored; expected numbers of classes from 0',
        )
        return
    classes = dataset.CLASSES or ()
    missing = [f'{classes[c]} ({c})' for c in range(len(classes)) if c not in present]
    if len(present) > 1 or not missing or not (seen[IGNORE_INDEX] or is_all):
        return
    message = (
        f'{name}: class {_listed(missing)} occurs in no label read so far ({where}): the only '
        f'non-ignored value is {present[0]}'
    )
    if seen[IGNORE_INDEX]:
        message += (
            f', and {IGNORE_INDEX} means ignored; masks of 0 and 255 show one class alone, so let '
            'tools/convert_datasets/custom.py make a class of 255'
        )
    yield Finding('warning', message)


def _images(dataset: Any) -> Findings:
    """Say where no image can be read, or all are of one colour."""
    images, problems = [], []
    for index in spread(len(dataset), _NUM_SAMPLES):
        try:
            images.append(dataset.get_image(index))
        except _UNREADABLE as error:
            problems.append(str(error))
    if not images and problems:
        yield Finding(
            'error', f'none of {len(problems)} images can be read; the first: {problems[0]}'
        )
    elif all(image.min() == image.max() for image in images):
        yield Finding(
            'warning',
            f'the images in {dataset.img_dir} are of one colour each ({len(images)} read so far): '
            'expected photographs',
        )


def _check_size(dataset: Any, index: int, label: np.ndarray) -> None:
    """Raise a `UserError` for an image of another size than its label."""
    path = image_path(dataset.sample_inputs(index))
    height, width = dataset.get_image(index).shape[:2]
    if (height, width) != label.shape:
        raise UserError(
            f'image and label differ in size: {path} is {width}×{height}, its label '
            f'{label.shape[1]}×{label.shape[0]} pixels'
        )


def _hint_of_grey(dataset: Any, index: int) -> str:
    """Say where a label looks like a drawing with soft edges."""
    try:
        label = read_label(label_path(dataset.sample_inputs(index)))
    except UserError:
        return ''
    num_classes = len(dataset.CLASSES or ())
    stray = np.setdiff1d(np.unique(label), [*range(num_classes), IGNORE_INDEX])
    if label.ndim != 2 or len(stray) <= _MAX_STRAY_VALUES:
        return ''
    return (
        f'; it holds {len(stray)} values that are no class, as masks with soft edges and JPEGs do: '
        'save them as PNG without smoothing, or map them with tools/convert_datasets/custom.py'
    )


def spread(length: int, num: int) -> list[int]:
    """Return up to `num` indices below `length`, evenly spread."""
    return sorted({round(place) for place in np.linspace(0, length - 1, min(num, length))})


def _listed(names: list[str], num: int = 3) -> str:
    more = len(names) - num
    return ', '.join(names[:num]) + (f' and {more} more' if more > 0 else '')
