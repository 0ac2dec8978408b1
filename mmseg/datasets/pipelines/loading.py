"""Steps that read images and label maps."""

import os.path as osp
from typing import Any

import cv2
import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.errors import UserError

from ..builder import PIPELINES
from ..image_io import read_image, read_label
from .transform import Transform

_COLOUR_FLAGS = {
    'color': cv2.IMREAD_COLOR,
    'grayscale': cv2.IMREAD_GRAYSCALE,
    'unchanged': cv2.IMREAD_UNCHANGED,
}


@PIPELINES.register_module()
class LoadImageFromFile(Transform):
    """Read the image named by `img_info['filename']`, in BGR order.

    Args:
        to_float32: Whether to turn it into float32 at once; else it stays uint8.
        color_type: 'color', 'grayscale' or 'unchanged'. 'unchanged' keeps all channels, and the
            numbers of files of more than 8 bits, unless `max_value` is given.
        max_value: Value of white in files of more than 8 bits, which becomes 255: 4095 for 12 bits.
            None takes 65535 for white, and refuses files that would then be nearly black.
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = 'color',
        max_value: float | None = None,
    ) -> None:
        if color_type not in _COLOUR_FLAGS:
            raise UserError(f'color_type must be one of {list(_COLOUR_FLAGS)}, got {color_type!r}')
        if max_value is not None and not max_value > 0:
            raise UserError(f'max_value must be above 0, got {max_value}')
        self.to_float32 = to_float32
        self.color_type = color_type
        self.max_value = max_value
        self.flag = _COLOUR_FLAGS[color_type]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        image = self.read(image_path(results))
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        return describe_image(results, image.shape)

    def read(self, path: str) -> np.ndarray:
        """Return the pixels of a file, (H, W, 3) BGR for 'color'."""
        return read_image(path, self.flag, self.max_value)


def image_path(results: dict[str, Any]) -> str:
    """Return the file of a sample's image."""
    return osp.join(results.get('img_prefix') or '', results['img_info']['filename'])


def label_path(results: dict[str, Any]) -> str:
    """Return the file of a sample's label map."""
    return osp.join(results.get('seg_prefix') or '', results['ann_info']['seg_map'])


def describe_image(results: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """Note what is known of an image just read.

    Args:
        results: What the pipeline starts from; changed in place.
        shape: (H, W) or (H, W, channels).

    Returns:
        `results`.
    """
    channels = 1 if len(shape) < 3 else shape[2]
    results.update(
        filename=image_path(results),
        ori_filename=results['img_info']['filename'],
        img_shape=shape,
        ori_shape=shape,
        pad_shape=shape,
        scale_factor=1.0,
        img_norm_cfg={
            'mean': np.zeros(channels, np.float32),
            'std': np.ones(channels, np.float32),
            'to_rgb': False,
        },
    )
    return results


@PIPELINES.register_module()
class LoadAnnotations(Transform):
    """Read the label map named by `ann_info['seg_map']`.

    The data set's `ignore_index` is what its files hold; from here on 255 stands for it.

    Args:
        reduce_zero_label: Whether label 0 means "ignore" and the others move down by one. A data
            set that says so itself, or of which any such step does, has its labels all read so.
    """

    def __init__(self, reduce_zero_label: bool = False) -> None:
        self.reduce_zero_label = reduce_zero_label

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        filename = label_path(results)
        label = read_label(filename)
        label = label[..., 0] if label.ndim == 3 and label.shape[-1] == 1 else label
        ignored = results.get('ignore_index', IGNORE_INDEX)
        label = self._to_bytes(label, filename, ignored)
        _check_size(label, filename, results)
        label = remap_label(label, results.get('label_map'), self.reduces(results), ignored)
        _check_values(label, filename, results)
        results['gt_semantic_seg'] = label
        results.setdefault('seg_fields', []).append('gt_semantic_seg')
        return results

    def reduces(self, results: dict[str, Any]) -> bool:
        """Whether label 0 of a sample means "ignore": its data set decides."""
        return results.get('reduce_zero_label', self.reduce_zero_label)

    @staticmethod
    def _to_bytes(label: np.ndarray, filename: str, ignored: int) -> np.ndarray:
        if label.ndim != 2:
            raise UserError(
                f'the label {filename} has {label.shape[-1]} channels: expected one number a pixel'
            )
        if label.dtype == np.uint8:
            return label
        if ignored > IGNORE_INDEX:
            label = np.where(label == ignored, IGNORE_INDEX, label)
        with np.errstate(invalid='ignore'):
            labels = label.astype(np.uint8)
        if (labels != label).any():
            wrong = label[labels != label].max()
            raise UserError(
                f'the label {filename} holds {wrong}: expected whole numbers from 0 to 255'
            )
        return labels


def remap_label(
    label: np.ndarray,
    label_map: dict[int, int] | None,
    reduce_zero_label: bool,
    ignore_index: int = IGNORE_INDEX,
) -> np.ndarray:
    """Rename label values: first all move down, then classes are renamed.

    Args:
        label: Labels (H, W) uint8.
        label_map: New label of each class, -1 for classes that are ignored.
        reduce_zero_label: Whether 0 becomes 255 and the others move down by one.
        ignore_index: Old label of pixels that are ignored, beside 255; it becomes 255.

    Returns:
        Labels (H, W) uint8.
    """
    if not label_map and not reduce_zero_label and ignore_index >= IGNORE_INDEX:
        return label
    renamed = np.arange(256)
    for old, new in (label_map or {}).items():
        renamed[old] = IGNORE_INDEX if new < 0 else new
    table = np.arange(256)
    if reduce_zero_label:
        table = np.where((table == 0) | (table == IGNORE_INDEX), IGNORE_INDEX, table - 1)
    table = renamed[table]
    if ignore_index < IGNORE_INDEX:
        table[ignore_index] = IGNORE_INDEX
    return table.astype(np.uint8)[label]


def _check_size(label: np.ndarray, filename: str, results: dict[str, Any]) -> None:
    if 'img' in results and results['img'].shape[:2] != label.shape:
        height, width = results['img'].shape[:2]
        raise UserError(
            f'image and label differ in size: {results["filename"]} is {width}×{height}, '
            f'{filename} is {label.shape[1]}×{label.shape[0]} pixels'
        )


def _check_values(label: np.ndarray, filename: str, results: dict[str, Any]) -> None:
    num_classes = results.get('num_classes')
    if num_classes is None:
        return
    ignored = results.get('ignore_index', IGNORE_INDEX)
    wrong = (label >= num_classes) & (label != IGNORE_INDEX)
    if wrong.any():
        raise UserError(
            f'the label {filename} holds {label[wrong].min()}: expected 0 to {num_classes - 1}, '
            f'or {ignored} for ignored pixels{results.get("convert_hint", "")}'
        )
