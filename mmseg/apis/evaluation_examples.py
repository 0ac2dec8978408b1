"""A closer look at a few validation images: how sure networks are, how right, and examples."""

from typing import Any

import numpy as np
from mmcv.utils import Config
from torch import nn

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.examples import ExampleWriter
from mmseg.core.settings import TrainingSettings
from mmseg.core.visualization import load_picture
from mmseg.utils.distributed import rank

from .inference import decide_samples

NUM_IMAGES = 16
NUM_EXAMPLES = 4
# What the adaptation takes where its config is silent.
_PSEUDO_THRESHOLD = 0.968


class Inspector:
    """Measures the pixels that a teacher is sure of, and keeps examples for the report.

    It sees `NUM_IMAGES` images spread evenly over the validation set. Nothing of it gets into
    training.

    Args:
        dataset: Validation set.
        cfg: The run's config.
    """

    def __init__(self, dataset: Any, cfg: Config) -> None:
        self.dataset = dataset
        self.writer = ExampleWriter(cfg.work_dir, dataset.CLASSES, dataset.PALETTE)
        self.threshold = (TrainingSettings.of(cfg).uda or {}).get(
            'pseudo_threshold', _PSEUDO_THRESHOLD
        )
        spread = np.linspace(0, len(dataset) - 1, min(NUM_IMAGES, len(dataset)))
        self.indices = [int(index) for index in spread.round()]
        step = max(1, len(self.indices) // NUM_EXAMPLES)
        self.examples = self.indices[::step][:NUM_EXAMPLES]

    def __call__(self, network: nn.Module, name: str) -> dict[str, float]:
        """Inspect a network in eval mode.

        Args:
            network: Segmentor.
            name: 'student' or 'teacher'.

        Returns:
            Of a teacher: 'confident_share', the labelled pixels whose probability reaches the
            threshold of pseudo labels, and 'confident_acc', those of them that are right; fractions
            in [0, 1]. Of a student: nothing, its pixels label no image. Of several processes the
            first one looks.
        """
        if rank() != 0:
            return {}
        is_teacher = name == 'teacher'
        counts = np.zeros(3, np.int64)  # labelled, confident, confident and right
        for index in self.indices if is_teacher else self.examples:
            pred, confidence = self._predict(network, index)
            labels = self.dataset.get_gt_seg_map(index)
            labelled = labels != IGNORE_INDEX
            sure = labelled & (confidence >= self.threshold)
            counts += [labelled.sum(), sure.sum(), (sure & (pred == labels)).sum()]
            if index in self.examples:
                self._keep(index, labels, pred, name)
        if not is_teacher:
            return {}
        num_labelled, num_sure, num_right = (float(count) for count in counts)
        share = num_sure / num_labelled if num_labelled else float('nan')
        accuracy = num_right / num_sure if num_sure else float('nan')
        return {'confident_share': share, 'confident_acc': accuracy}

    def _predict(self, network: Any, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return an image's classes and their probabilities (H, W), from the first view of it."""
        first_view = {key: views[:1] for key, views in self.dataset[index].items()}
        labels, confidence = decide_samples(network, [first_view], with_confidence=True)
        assert confidence is not None
        return labels[0].cpu().numpy(), confidence[0].cpu().numpy()

    def _keep(self, index: int, labels: np.ndarray, pred: np.ndarray, network: str) -> None:
        name = self.dataset.sample_inputs(index)['img_info']['filename']
        image = load_picture(self.dataset.image_path(index))
        number = self.examples.index(index)
        self.writer.add(number, name, image, labels, pred, network)
