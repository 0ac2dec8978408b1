"""Images that belong to no data set, of any size, through a trained network.

Legend: B images, C classes, H×W the size of an original image.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from matplotlib import pyplot
from torch import nn

from mmseg.apis.memory import SEGMENTING_KNOBS
from mmseg.apis.run_datasets import testing_steps
from mmseg.core.building import build_from_cfg
from mmseg.core.picture_box import picture_box
from mmseg.core.visualization import load_picture, overlay, save_picture
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import Compose
from mmseg.datasets.pipelines.loading import describe_image
from mmseg.utils.errors import UserError, UserFileNotFoundError

from .decisions import batch_of, decide_samples
from .uncertainty import SecondOpinions, decide_with_uncertainty


@dataclass(frozen=True)
class Segmentation:
    """What a network sees in an image.

    Attributes:
        labels: Class indices (H, W), uint8.
        confidence: Probability of that class (H, W), float32 in [0, 1].
        uncertainty: Maps (H, W), float32 in [0, 1], of `decide_with_uncertainty` by kind, where
            the segmenter has second opinions.
    """

    labels: np.ndarray
    confidence: np.ndarray
    uncertainty: Mapping[str, np.ndarray] = field(default_factory=dict)

    def shares(self, num_classes: int) -> np.ndarray:
        """Return the share (C,) of the pixels that each class has, summing to 1."""
        return self._pixels(num_classes) / self.labels.size

    def class_confidence(self, num_classes: int) -> np.ndarray:
        """Return the mean confidence (C,) over each class's pixels, 0 for a class without."""
        sums = np.bincount(self.labels.ravel(), self.confidence.ravel(), num_classes)
        return sums / np.maximum(self._pixels(num_classes), 1)

    def _pixels(self, num_classes: int) -> np.ndarray:
        return np.bincount(self.labels.ravel(), minlength=num_classes)


class Segmenter:
    """Segments batches of images as a network's config tests them, or at another scale.

    What is larger than the images that the config tests on goes through the network in windows of
    the size it was trained with; they overlap by a third, and their logits are averaged.

    Args:
        model: From `init_segmentor`.
        scale: Factor on the size of images; None brings them to the size that the config tests at.
        opinions: What the network is compared with to map its uncertainty; None for no such maps.

    Raises:
        UserError: A scale that is no positive number.
    """

    def __init__(
        self, model: Any, scale: float | None = None, opinions: SecondOpinions | None = None
    ) -> None:
        if scale is not None and not scale > 0:
            raise UserError(f'scale: expected a positive number, got {scale}')
        self.model = model
        self.opinions = opinions
        first, *steps = testing_steps(model.cfg)
        self.max_area = _tested_area(steps)
        steps = steps if scale is None else [_rescaled(step, scale) for step in steps]
        self._reader = LoadImage(first)
        self._pipeline = Compose([self._reader, *steps])
        if self.max_area is None and 'crop_size' in model.test_cfg:
            self.max_area = math.prod(model.test_cfg.crop_size)

    @property
    def takes_pictures(self) -> bool:
        """Whether the network takes colour pictures of 8 bits; others are best given as files."""
        return self._reader.is_plain

    def __call__(self, images: Sequence[str | Path | np.ndarray]) -> list[Segmentation]:
        """Segment images; those of one size go through the network together.

        Args:
            images: Files, or BGR arrays (H, W, 3).

        Returns:
            One result for each image.
        """
        samples = [self._pipeline({'img': image}) for image in images]
        results: list[Segmentation] = []
        for _, alike in itertools.groupby(samples, _sizes):
            results += self._segment(list(alike))
        return results

    def _segment(self, samples: Sequence[Mapping[str, Any]]) -> list[Segmentation]:
        """Segment what the test pipeline made of images of one size."""
        uncertainty: dict[str, torch.Tensor] = {}
        if self.opinions is None:
            settings = {'with_confidence': True, 'slide': self._slides, 'knobs': SEGMENTING_KNOBS}
            labels, confidence = decide_samples(self.model, samples, **settings)
        else:
            batch = batch_of(self.model, samples)
            (labels, confidence), uncertainty = decide_with_uncertainty(
                self.model, self.opinions, batch, self._slides
            )
        assert confidence is not None
        results = []
        for i, pair in enumerate(zip(labels.cpu().numpy(), confidence.cpu().numpy(), strict=True)):
            maps = {kind: found[i].cpu().numpy() for kind, found in uncertainty.items()}
            results.append(Segmentation(*pair, maps))
        return results

    def _slides(self, metas: Sequence[Mapping[str, Any]], size: Sequence[int]) -> bool:
        """Tell whether a view goes through in windows, by what of it is no padding."""
        box = picture_box(metas[0], size)
        settings = self.model.test_cfg
        is_large = box.height * box.width > (self.max_area or box.height * box.width)
        return settings.mode == 'slide' or ('crop_size' in settings and is_large)


def inference_segmentor(
    model: nn.Module, img: str | Path | np.ndarray | Sequence[str | Path | np.ndarray]
) -> list[np.ndarray]:
    """Segment images of any size, each by itself, as the network's config tests them.

    Args:
        model: From `init_segmentor`.
        img: File name or BGR array (H, W, 3), or a list of them.

    Returns:
        Class indices (H, W) per image.
    """
    model = getattr(model, 'module', model)  # one of mmcv's parallel wrappers
    images = [img] if isinstance(img, str | Path | np.ndarray) else list(img)
    pipeline = test_pipeline(model)
    decisions = (decide_samples(model, [pipeline({'img': image})]) for image in images)
    return [labels.cpu().long().numpy() for decision in decisions for labels in decision.labels]


def show_result_pyplot(
    model: Any,
    img: str | Path | np.ndarray,
    result: Sequence[np.ndarray],
    palette: Sequence[Sequence[int]] | None = None,
    fig_size: tuple[float, float] = (15, 10),
    opacity: float = 0.5,
    title: str = '',
    block: bool = True,
    out_file: str | Path | None = None,
) -> np.ndarray:
    """Lay a result over its image, show it in a window where there is a screen.

    Args:
        model: From `init_segmentor`.
        img: File name or BGR array (H, W, 3).
        result: What `inference_segmentor` returned.
        palette: Colours (C, 3), by default the model's.
        fig_size: Width and height of the window in inches.
        opacity: Share of the colours in (0, 1].
        title: Line above the picture.
        block: Whether to wait until the window is closed.
        out_file: Image file to write, or None.

    Returns:
        The picture (H, W, 3), RGB.
    """
    model = getattr(model, 'module', model)
    image = img[..., ::-1] if isinstance(img, np.ndarray) else load_picture(img)
    picture = overlay(image, result[0], model.PALETTE if palette is None else palette, opacity)
    if out_file is not None:
        save_picture(picture, out_file)
    if pyplot.get_backend().lower() != 'agg':  # what pyplot chooses where there is no screen
        pyplot.figure(figsize=fig_size)
        pyplot.imshow(picture)
        pyplot.title(title)
        pyplot.tight_layout()
        pyplot.show(block=block)
    return picture


def test_pipeline(model: Any) -> Compose:
    """Return what the config does to test images, for `{'img': file or array}`."""
    first, *steps = testing_steps(model.cfg)
    return Compose([LoadImage(first), *steps])


class LoadImage:
    """The first step of a test pipeline, for images that belong to no dataset.

    Args:
        step: Config of the step that it takes the place of, whose way of reading files it keeps;
            None for colour.
    """

    def __init__(self, step: Mapping[str, Any] | None = None) -> None:
        self.reader = build_from_cfg(step or {'type': 'LoadImageFromFile'}, PIPELINES)
        self.color_type = getattr(self.reader, 'color_type', 'color')

    @property
    def is_plain(self) -> bool:
        """Whether files are read as colour pictures of 8 bits, and as nothing else."""
        return self.color_type == 'color' and not getattr(self.reader, 'to_float32', False)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img']
        if isinstance(image, np.ndarray):
            image = self._as_read(image)
            facts = describe_image({'img_info': {'filename': ''}}, image.shape)
            return {**facts, 'img': image, 'filename': None, 'ori_filename': None}
        if not Path(image).is_file():
            raise UserFileNotFoundError(f'no image at {image}')
        return self.reader({'img_info': {'filename': str(image)}})

    def _as_read(self, image: np.ndarray) -> np.ndarray:
        """Make of an array what the reader would have made of its file."""
        is_colour = image.ndim == 3 and image.shape[2] == 3
        if self.color_type == 'grayscale' and is_colour:
            image = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY)
        elif self.color_type == 'color' and not is_colour:
            raise UserError(f'expected a colour image (H, W, 3), got an array {image.shape}')
        return image.astype(np.float32) if getattr(self.reader, 'to_float32', False) else image


def _tested_area(steps: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the most pixels that a test pipeline brings images to; None where it sets no size."""
    for step in steps:
        scales = step.get('img_scale')
        if scales:
            scales = scales if isinstance(scales[0], list | tuple) else [scales]
            ratios = step.get('img_ratios') or 1.0
            ratio = max(ratios) if isinstance(ratios, list | tuple) else ratios
            return round(max(width * height for width, height in scales) * ratio**2)
    return None


def _rescaled(step: Mapping[str, Any], scale: float) -> Mapping[str, Any]:
    """Let a step that sets a test size take the image's own, times a factor."""
    if step.get('type') != 'MultiScaleFlipAug':
        return step
    return {**step, 'img_scale': None, 'img_ratios': [scale]}


def _sizes(sample: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """Return what images of one batch must have in common."""
    return [
        size
        for img, meta in zip(sample['img'], sample['img_metas'], strict=True)
        for size in (tuple(img.shape), tuple(meta.data['ori_shape']))
    ]
