"""Test images with their place in the dataset and their labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmseg.utils.worker_errors import told_in_one_line


@dataclass(frozen=True)
class IndexedImage:
    """One image as a test pipeline leaves it.

    Attributes:
        inputs: What the pipeline returns: lists of views.
        index: Its index in the dataset.
        labels: True labels (H, W) uint8 at the image's full size; None where nobody asked.
    """

    inputs: dict[str, Any]
    index: int
    labels: np.ndarray | None

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """What images of one batch must have in common."""
        metas = [meta.data for meta in _as_list(self.inputs['img_metas'])]
        keys = ('ori_shape', 'img_shape', 'pad_shape')
        sizes = [tuple(meta[key]) for meta in metas for key in keys if key in meta]
        arrays = [*_as_list(self.inputs['img']), *([] if self.labels is None else [self.labels])]
        return sizes + [tuple(array.shape) for array in arrays]


class IndexedImages(Dataset):
    """A test set whose workers read the labels too, so that nobody waits for them.

    Args:
        dataset: The test set.
        with_labels: Whether to read labels; it must have some.
    """

    def __init__(self, dataset: Any, with_labels: bool) -> None:
        self.dataset = dataset
        self.with_labels = with_labels

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> IndexedImage:
        with told_in_one_line(f'test image {index}'):
            labels = self.dataset.get_gt_seg_map(index) if self.with_labels else None
            return IndexedImage(self.dataset[index], index, labels)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
