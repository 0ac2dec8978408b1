"""Images of any size through a trained network, with how sure it is of every pixel.

Legend: B images, C classes, H×W the size of an original image.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.parallel import collate
from mmcv.utils import Config
from torch import nn

from mmseg.core.picture_box import picture_box
from mmseg.datasets.pipelines import Compose
from mmseg.utils.errors import UserError

from .inference import LoadImage
from .loader import DeviceLoader
from .memory import SEGMENTING_KNOBS, explained_memory
from .run_datasets import testing_steps


@dataclass(frozen=True)
class Segmentation:
    """What a network sees in an image.

    Attributes:
        labels: Class indices (H, W), uint8.
        confidence: Probability of that class (H, W), float32 in [0, 1].
    """

    labels: np.ndarray
    confidence: np.ndarray

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

    Raises:
        UserError: A scale that is no positive number.
    """

    def __init__(self, model: nn.Module, scale: float | None = None) -> None:
        if scale is not None and not scale > 0:
            raise UserError(f'scale: expected a positive number, got {scale}')
        self.model = model
        first, *steps = testing_steps(model.cfg)
        self.max_area = _tested_area(steps)
        steps = steps if scale is None else [_rescaled(step, scale) for step in steps]
        self._reader = LoadImage(first)
        self._pipeline = Compose([self._reader, *steps])
        window = window_size(model.cfg)
        if window is not None:
            stride = tuple(max(side * 2 // 3, 1) for side in window)
            windows = {'crop_size': window, 'stride': stride}
            model.test_cfg = {**windows, **model.test_cfg}
            self.max_area = window[0] * window[1] if self.max_area is None else self.max_area

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
        device = next(self.model.parameters()).device
        results: list[Segmentation] = []
        for _, alike in itertools.groupby(samples, _sizes):
            group = list(alike)
            (batch,) = DeviceLoader([collate(group, samples_per_gpu=len(group))], device)
            with torch.inference_mode(), explained_memory(device, SEGMENTING_KNOBS):
                decision = self.model.decide(
                    batch['img'], batch['img_metas'], with_confidence=True, slide=self._slides
                )
            maps = (part.cpu().numpy() for part in decision)
            results += [Segmentation(*pair) for pair in zip(*maps, strict=True)]
        return results

    def _slides(self, metas: Sequence[Mapping[str, Any]], size: Sequence[int]) -> bool:
        """Tell whether a view goes through in windows, by what of it is no padding."""
        box = picture_box(metas[0], size)
        settings = self.model.test_cfg
        is_large = box.height * box.width > (self.max_area or box.height * box.width)
        return settings.mode == 'slide' or ('crop_size' in settings and is_large)


def window_size(cfg: Config) -> tuple[int, int] | None:
    """Return the height and width of the crops that a config trains on; None where it has none."""
    crop = (cfg.model.get('test_cfg') or {}).get('crop_size') or cfg.get('crop_size')
    crop = crop or next(_crops(cfg.data.get('train')), None)
    crop = (crop, crop) if isinstance(crop, int) else crop
    return None if crop is None else (int(crop[0]), int(crop[1]))


def _crops(part: Any) -> Iterator[Sequence[int]]:
    """Yield the sizes of all random crops in a part of a config."""
    if isinstance(part, Mapping):
        if part.get('type') == 'RandomCrop' and 'crop_size' in part:
            yield part['crop_size']
        part = list(part.values())
    if isinstance(part, list | tuple):
        for inner in part:
            yield from _crops(inner)


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
