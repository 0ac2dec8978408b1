"""Cityscapes, the target of the published experiments."""

import logging
import os.path as osp
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling as scripts
import cv2
import numpy as np

from mmseg.core.evaluation.class_names import (
    CITYSCAPES_CLASSES,
    CITYSCAPES_LABEL_IDS,
    CITYSCAPES_PALETTE,
)
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.overrides import has_own

from .builder import DATASETS
from .custom import CustomDataset
from .evaluation import Result


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

    @property
    def evaluates_maps(self) -> bool:
        """See `EvaluatesLabels`."""
        return has_own(self, CityscapesDataset, 'evaluate', 'pre_eval')

    def evaluate(  # type: ignore[override]  # the order is mmsegmentation's
        self,
        results: Sequence[Result],
        metric: str | Sequence[str] = 'mIoU',
        logger: logging.Logger | str | None = None,
        imgfile_prefix: str | Path | None = None,
        efficient_test: bool = False,
    ) -> dict[str, Any]:
        """Measure predictions; see the base class.

        Args:
            results: Label maps, for the metric 'cityscapes'.
            metric: Beside the usual ones 'cityscapes': the class and category IoU that the
                benchmark's own scripts measure against `*_gtFine_labelIds.png`.
            logger: Where tables go.
            imgfile_prefix: Folder for what those scripts read; a temporary one by default.
            efficient_test: Accepted for compatibility.
        """
        metrics = [metric] if isinstance(metric, str) else list(metric)
        usual = [name for name in metrics if name != 'cityscapes']
        scores: dict[str, Any] = super().evaluate(results, usual, logger) if usual else {}
        if len(usual) < len(metrics):
            with tempfile.TemporaryDirectory() as folder:
                scores |= self._measure_by_scripts(results, imgfile_prefix or folder)
        return scores

    def _measure_by_scripts(self, results: Sequence[Any], folder: str | Path) -> dict[str, Any]:
        """Write predictions and measure them by cityscapesScripts."""
        predictions = self.format_results(results, folder)
        ends = self.seg_map_suffix.replace('TrainIds', 'Ids')
        truth = [
            osp.join(self.ann_dir or '', info['ann']['seg_map'].replace(self.seg_map_suffix, ends))
            for info in self.img_infos
        ]
        missing = [path for path in truth if not osp.isfile(path)]
        if missing:
            raise UserError(f"the metric 'cityscapes' reads label ids, and {missing[0]} is missing")
        # both call what NumPy 2 has no longer
        scripts.args.evalInstLevelScore = scripts.args.evalPixelAccuracy = False
        scripts.args.JSONOutput = False
        return scripts.evaluateImgLists(predictions, truth, scripts.args)

    def format_results(
        self,
        results: Sequence[np.ndarray],
        imgfile_prefix: str | Path,
        to_label_id: bool = True,
        indices: Sequence[int] | None = None,
    ) -> list[str]:
        """Write predictions as PNGs of the ids that the server expects, named like their images.

        Args:
            results: Predicted train ids (H, W), one map for each image.
            imgfile_prefix: Folder to write to.
            to_label_id: Whether files hold what the server calls the classes, or train ids.
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
            labels = np.asarray(labels)
            ids = server_ids[labels] if to_label_id else labels.astype(np.uint8)
            path = Path(imgfile_prefix) / f'{Path(self.img_infos[index]["filename"]).stem}.png'
            with atomic_path(path) as temporary:
                cv2.imwrite(str(temporary), ids)
            written.append(str(path))
        return written
