"""Cityscapes, the target of the published experiments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from mmseg.core.evaluation.class_names import (
    CITYSCAPES_CLASSES,
    CITYSCAPES_LABEL_IDS,
    CITYSCAPES_PALETTE,
)
from mmseg.utils.atomic import atomic_path

from .builder import DATASETS
from .custom import CustomDataset


@DATASETS.register_module()
class CityscapesDataset(CustomDataset):
    """Cityscapes: `leftImg8bit/<split>/<city>/` and `gtFine/<split>/<city>/`.

    Args:
        **kwargs: As for `CustomDataset`.
    """

    CLASSES = CITYSCAPES_CLASSES
    PALETTE = CITYSCAPES_PALETTE
    CONVERTER: ClassVar[str | None] = 'cityscapes'
    # What the benchmark's server calls each train id.
    SERVER_IDS: ClassVar[Sequence[int]] = CITYSCAPES_LABEL_IDS

    def __init__(
        self,
        img_suffix: str = '_leftImg8bit.png',
        seg_map_suffix: str = '_gtFine_labelTrainIds.png',
        **kwargs: Any,
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def format_results(
        self,
        results: Sequence[np.ndarray],
        out_dir: str | Path,
        indices: Sequence[int] | None = None,
    ) -> list[str]:
        """Write predictions as PNGs of the ids that the server expects, named like their images.

        Args:
            results: Predicted train ids (H, W), one map for each image.
            out_dir: Folder to write to.
            indices: Which images these are; None for all.

        Returns:
            The files written.
        """
        server_ids = np.array(self.SERVER_IDS, np.uint8)
        if self.label_map is not None:
            kept = sorted((new, old) for old, new in self.label_map.items() if new >= 0)
            server_ids = server_ids[[old for _, old in kept]]
        written = []
        for index, labels in zip(indices or range(len(self)), results, strict=True):
            path = Path(out_dir) / f'{Path(self.img_infos[index]["filename"]).stem}.png'
            with atomic_path(path) as temporary:
                cv2.imwrite(str(temporary), server_ids[np.asarray(labels)])
            written.append(str(path))
        return written
