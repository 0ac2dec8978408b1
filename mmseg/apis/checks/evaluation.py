"""Whether the validation set can be evaluated on by the metrics that are asked for."""

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX

from ..evaluation import evaluation_settings
from .run import Finding, Findings, RunUnderCheck

_NUM_LABELS = 8


def val_can_be_evaluated(run: RunUnderCheck) -> Findings:
    """Look for labels in the validation set, of which a few count, and for the metrics."""
    if run.val is None:
        return
    evaluation_settings(run.cfg, run.val)
    spread = np.linspace(0, len(run.val) - 1, min(_NUM_LABELS, len(run.val)))
    indices = [int(index) for index in spread.round()]
    ignored = (run.val.ignore_index, IGNORE_INDEX)
    if all(np.isin(run.val.get_gt_seg_map(index), ignored).all() for index in indices):
        yield Finding(
            'warning',
            f'data.val: all pixels are ignored in the {len(indices)} of {len(run.val)} label maps '
            f'in {run.val.ann_dir} that were read; with labels like these nothing can be evaluated',
        )
