"""Steps that turn arrays into tensors and pick what a batch is made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmcv.parallel import DataContainer

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.picture_box import PICTURE_BOX
from mmseg.ops.device_copies import writable_tensor
from mmseg.utils.errors import UserKeyError

from ..builder import PIPELINES
from .margins import VALID
from .transform import Transform

META_KEYS = (
    'filename',
    'ori_filename',
    'ori_shape',
    'img_shape',
    'pad_shape',
    'scale_factor',
    'flip',
    'flip_direction',
    'img_norm_cfg',
)


def image_to_tensor(image: np.ndarray) -> torch.Tensor:
    """Turn an image (H, W) or (H, W, channels) into a tensor (channels, H, W)."""
    if image.ndim < 3:
        image = image[..., None]
    return writable_tensor(np.ascontiguousarray(image.transpose(2, 0, 1)))


@PIPELINES.register_module()
class ToTensor(Transform):
    """Turn the arrays or numbers under `keys` into tensors of the same shape."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        for key in self.keys:
            results[key] = writable_tensor(np.ascontiguousarray(results[key]))
        return results


@PIPELINES.register_module()
class ImageToTensor(Transform):
    """Turn the images (H, W, channels) under `keys` into tensors (channels, H, W)."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        for key in self.keys:
            results[key] = image_to_tensor(results[key])
        return results


@PIPELINES.register_module()
class Transpose(Transform):
    """Reorder the axes of the arrays under `keys`."""

    def __init__(self, keys: Sequence[str], order: Sequence[int]) -> None:
        self.keys = keys
        self.order = order

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        for key in self.keys:
            results[key] = results[key].transpose(self.order)
        return results


def label_container(label: torch.Tensor) -> DataContainer:
    """Pack labels (1, H, W) to be stacked; where a batch is larger, it is ignored."""
    return DataContainer(label, stack=True, padding_value=IGNORE_INDEX)


def valid_container(mask: np.ndarray) -> DataContainer:
    """Pack where pseudo labels are valid (H, W) as (1, H, W) float32; in padding they are not."""
    valid = torch.from_numpy((mask == 1)[None].astype(np.float32))
    return DataContainer(valid, stack=True, padding_value=0)


@PIPELINES.register_module()
class DefaultFormatBundle(Transform):
    """Pack `img` as (3, H, W) and `gt_semantic_seg` as (1, H, W) int64, ready to be stacked.

    `valid_pseudo_mask` likewise, as (1, H, W) float32, 1 or 0.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        if 'img' in results:
            results['img'] = DataContainer(image_to_tensor(results['img']), stack=True)
        if 'gt_semantic_seg' in results:
            label = torch.from_numpy(results['gt_semantic_seg'][None].astype(np.int64))
            results['gt_semantic_seg'] = label_container(label)
        if VALID in results:
            results[VALID] = valid_container(results[VALID])
        return results


@PIPELINES.register_module()
class Collect(Transform):
    """Keep what a batch is made of.

    Args:
        keys: Entries to keep as they are.
        meta_keys: Entries to keep, where present, in the dict `img_metas`; where the picture lies
            in a padded image is always kept.
    """

    def __init__(self, keys: Sequence[str], meta_keys: Sequence[str] = META_KEYS) -> None:
        self.keys = keys
        self.meta_keys = meta_keys

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        missing = [key for key in self.keys if key not in results]
        if missing:
            raise UserKeyError(
                f'Collect finds no {missing[0]!r}: no earlier step of the pipeline makes it'
            )
        kept = dict.fromkeys((*self.meta_keys, PICTURE_BOX))
        metas = {key: results[key] for key in kept if key in results}
        data = {'img_metas': DataContainer(metas, cpu_only=True)}
        return data | {key: results[key] for key in self.keys}
