"""How a data set measures predictions against its labels."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmcv.utils import print_log

from mmseg.core.building import nearest
from mmseg.core.evaluation import areas_of, confusion_matrix, total_area_to_metrics
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.evaluation.percent import metrics_table
from mmseg.utils.errors import UserAssertionError, UserError
from mmseg.utils.overrides import has_own

# A map of train ids (H, W), or the confusion matrix (C + 1, C + 1) that `pre_eval` made of it.
Result = np.ndarray | torch.Tensor


class EvaluatesLabels:
    """What a data set with labels (`get_gt_seg_map`) needs to be evaluated on."""

    CLASSES: Sequence[str] | None
    eval_classes: Sequence[str] | None
    extra_means: Mapping[str, Sequence[str]]

    @property
    def evaluates_maps(self) -> bool:
        """Whether label maps are measured in a way of the set's own, which counts do not serve."""
        return has_own(self, EvaluatesLabels, 'evaluate', 'pre_eval')

    def __len__(self) -> int:
        raise NotImplementedError

    def get_gt_seg_map(self, index: int) -> np.ndarray:
        """Return the labels (H, W) of one image."""
        raise NotImplementedError

    def pre_eval(
        self, preds: np.ndarray | Sequence[np.ndarray], indices: int | Sequence[int]
    ) -> list[torch.Tensor]:
        """Count pixels for a few images, so that their predictions need not be kept.

        Args:
            preds: Predicted train ids (H, W), one map for each image.
            indices: Which images these are.

        Returns:
            For each image its confusion matrix (C + 1, C + 1); see `confusion_matrix`.

        Raises:
            UserError: Where class names are not known, or sizes differ.
        """
        preds = preds if isinstance(preds, Sequence) else [preds]
        indices = indices if isinstance(indices, Sequence) else [indices]
        num_classes = len(self._class_names())
        return [
            confusion_matrix(pred, self.get_gt_seg_map(index), num_classes, IGNORE_INDEX)
            for pred, index in zip(preds, indices, strict=True)
        ]

    def evaluate(
        self,
        results: Sequence[Result],
        metric: str | Sequence[str] = 'mIoU',
        logger: logging.Logger | str | None = None,
        efficient_test: bool = False,
    ) -> dict[str, float]:
        """Measure predictions on the whole set.

        Args:
            results: For each image a map of train ids (H, W), an .npy file of one, or what
                `pre_eval` made of it.
            metric: One or several of 'mIoU', 'mDice', 'mFscore'.
            logger: Where the per-class table goes.
            efficient_test: Accepted for compatibility: true labels are read one by one.

        Returns:
            Fractions in [0, 1]: 'aAcc', means ('mIoU', 'mAcc'; for 'mDice' 'mDice', 'mAcc'; for
            'mFscore' 'mFscore', 'mPrecision', 'mRecall'), with 'mIoU' the data set's
            `extra_means`, and one entry for each class ('IoU.road', 'Acc.road'). NaN where nothing
            is there to measure.

        Raises:
            UserError: For another number of results than images, or an unknown class name.
        """
        scores = self.scores_of(self.confusion(results), metric)
        if logger is not None:
            print_log(metrics_table(scores), logger)
        return scores

    def scores_of(
        self, confusion: torch.Tensor, metric: str | Sequence[str] = 'mIoU'
    ) -> dict[str, float]:
        """Turn the whole set's confusion matrix (C + 1, C + 1) into scores; see `evaluate`."""
        areas = areas_of(confusion.double())
        per_class = total_area_to_metrics(*areas, metric)
        return self._summarise(per_class, labelled=areas[3].numpy() > 0)

    def confusion(self, results: Sequence[Result]) -> torch.Tensor:
        """Add up the whole set's confusion matrix.

        Args:
            results: See `evaluate`.

        Returns:
            Pixels (C + 1, C + 1) int64; see `confusion_matrix`.

        Raises:
            UserError: For another number of results than images.
        """
        if len(results) != len(self):
            raise UserAssertionError(
                f'expected {len(self)} results, one an image, got {len(results)}'
            )
        counts = [
            result if isinstance(result, torch.Tensor) else self.pre_eval([result], [index])[0]
            for index, result in enumerate(results)
        ]
        return torch.stack(counts).sum(0)

    def _summarise(
        self, per_class: Mapping[str, np.ndarray], labelled: np.ndarray
    ) -> dict[str, float]:
        scores = {'aAcc': float(per_class['aAcc'])}
        kinds = [kind for kind in per_class if kind != 'aAcc']
        for kind in kinds:
            scores[f'm{kind}'] = self._mean(per_class[kind], self.eval_classes, labelled)
        if 'IoU' in kinds:
            for name, classes in self.extra_means.items():
                scores[name] = self._mean(per_class['IoU'], classes, labelled)
        for kind in kinds:
            for name, value in zip(self._class_names(), per_class[kind], strict=True):
                scores[f'{kind}.{name}'] = float(value)
        return scores

    def _mean(
        self, values: np.ndarray, classes: Sequence[str] | None, labelled: np.ndarray
    ) -> float:
        """Average over the named classes that have labels, or over all that occur at all."""
        if classes is not None:
            names = list(self._class_names())
            for name in classes:
                if name not in names:
                    raise UserError(f'unknown class {name!r} in a mean: {nearest(name, names)}')
            values = values[[names.index(c) for c in classes if labelled[names.index(c)]]]
        present = values[~np.isnan(values)]
        return float(present.mean()) if present.size else float('nan')

    def _class_names(self) -> Sequence[str]:
        if self.CLASSES is None:
            raise UserError(f'{type(self).__name__} needs classes=[...] to be evaluated')
        return self.CLASSES
