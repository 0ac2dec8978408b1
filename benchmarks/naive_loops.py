"""Loading and testing the plain way: read again for every crop, test image by image."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mmseg.apis.test import write_prediction
from mmseg.datasets.randomness import drawing_from
from mmseg.datasets.rare_class_sampling import RareClassDataset
from mmseg.utils import decoding


@contextmanager
def decoding_by_opencv() -> Iterator[None]:
    """Decode every image by OpenCV, as mmcv does; so do workers that are forked meanwhile."""
    quick = decoding.decode_image_png_u8
    decoding.decode_image_png_u8 = None
    try:
        yield
    finally:
        decoding.decode_image_png_u8 = quick


class ReloadingRareClassDataset(RareClassDataset):
    """Rare class sampling that reads an image anew for every crop of it."""

    def _sample_with(self, drawn: int, index: int, rng: np.random.Generator) -> dict[str, Any]:
        for _ in range(11):
            with drawing_from(rng):
                sample = self.source.prepare_train_img(index)
            labels = sample['gt_semantic_seg'].data
            if int((labels == drawn).sum()) >= self.min_crop_pixels:
                break
        return sample


@torch.no_grad()
def naive_test(
    model: nn.Module, batches: Iterable[dict[str, Any]], dataset: Any, folder: Path
) -> np.ndarray:
    """Test image by image: probabilities to the host, a histogram and pictures for each.

    Args:
        model: Segmentor.
        batches: Test batches of one image.
        dataset: Where they come from.
        folder: Where pictures go.

    Returns:
        Confusion matrix (C, C) of labels and predictions.
    """
    num_classes = len(dataset.CLASSES)
    confusion = np.zeros((num_classes, num_classes), np.int64)
    for index, batch in enumerate(batches):
        metas = batch['img_metas'][0]
        probs = model.inference(batch['img'][0], metas, True).cpu().numpy()
        prediction = probs[0].argmax(0)
        labels = dataset.get_gt_seg_map(index).astype(np.int64)
        known = labels < num_classes
        pairs = num_classes * labels[known] + prediction[known]
        confusion += np.bincount(pairs, minlength=num_classes**2).reshape(confusion.shape)
        write_prediction(prediction, metas[0], dataset.PALETTE, folder)
    return confusion
