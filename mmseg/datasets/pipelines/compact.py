"""Samples that leave the workers as bytes: the device normalises images and widens labels.

A quarter of the bytes of a normalised image and an eighth of those of int64 labels go from worker
to worker's parent and on to the device, which normalises faster than a worker does.
"""

from typing import Any

import numpy as np
import torch
from mmcv.parallel import DataContainer

from .compose import Compose
from .formatting import (
    Collect,
    DefaultFormatBundle,
    image_to_tensor,
    label_container,
    valid_container,
)
from .margins import VALID
from .photometric import Normalize, check_bands
from .transforms import Pad

LEFT_TO_DO = 'left_to_do'


def compact(pipeline: Compose) -> Compose:
    """Let a pipeline leave the normalisation to the device, where it ends as training ones do.

    Args:
        pipeline: Any steps.

    Returns:
        A pipeline of samples whose image is uint8, with what is left to do to it under the meta
        key `LEFT_TO_DO`; `pipeline` itself unless it ends with `Normalize`, perhaps `Pad`,
        `DefaultFormatBundle` and `Collect`.
    """
    steps = pipeline.transforms
    kinds = [type(step) for step in steps]
    for tail in ([Normalize, Pad], [Normalize]):
        whole = [*tail, DefaultFormatBundle, Collect]
        if kinds[-len(whole) :] == whole:
            break
    else:
        return pipeline
    first, last = steps[-len(whole)], steps[-1]
    padding = [step for step in steps[-len(whole) :] if isinstance(step, Pad)]
    pad_val = padding[0].pad_val if padding else 0
    return Compose(
        [
            *steps[: -len(whole)],
            NormalizeLater(first, pad_val),
            *padding,
            CompactFormatBundle(),
            Collect(last.keys, (*last.meta_keys, LEFT_TO_DO)),
        ]
    )


class NormalizeLater:
    """Note how a byte image is to be normalised; normalise any other at once.

    Args:
        normalize: How.
        pad_val: What normalised images are then padded with.
    """

    def __init__(self, normalize: Normalize, pad_val: float) -> None:
        self.normalize = normalize
        self.pad_val = pad_val

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img']
        if image.dtype != np.uint8:
            return self.normalize(results)
        check_bands(self.normalize, 1 if image.ndim == 2 else image.shape[2], results)
        settings = self.normalize.settings
        results['img_norm_cfg'] = settings
        results[LEFT_TO_DO] = {**settings, 'pad_val': self.pad_val, 'size': image.shape[:2]}
        return results


class CompactFormatBundle(DefaultFormatBundle):
    """Pack `img` as (3, H, W) and `gt_semantic_seg` as (1, H, W), in bytes."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        if LEFT_TO_DO not in results:
            return super().__call__(results)
        results['img'] = DataContainer(image_to_tensor(results['img']), stack=True)
        if 'gt_semantic_seg' in results:
            label = torch.from_numpy(np.array(results['gt_semantic_seg'][None]))
            results['gt_semantic_seg'] = label_container(label)
        if VALID in results:
            results[VALID] = valid_container(results[VALID])
        return results
