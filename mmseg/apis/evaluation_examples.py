"""A closer look at a few validation images: how sure networks are, how right, and examples."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmcv.utils import Config
from torch import nn

from mmseg.core.adaptation import Bank
from mmseg.core.evaluation.calibration import Calibration
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.examples import ExampleWriter
from mmseg.core.module_modes import in_eval_mode
from mmseg.core.settings import TrainingSettings
from mmseg.core.visualization import load_picture
from mmseg.models.segmentors.views import SegmentsViews
from mmseg.models.uda.instance_segmentor import InstanceSegmentor, filled_entries
from mmseg.utils.distributed import rank

from .inference import SecondOpinions, Segmentation, decide_samples, decide_with_uncertainty
from .inference.decisions import batch_of
from .inference.uncertainty import ENTROPY, LEVELS, NETWORKS

NUM_IMAGES = 16
NUM_EXAMPLES = 4
# What the adaptation takes where its config is silent.
_PSEUDO_THRESHOLD = 0.968
_TOLD = {
    ENTROPY: 'entropy of {network}',
    NETWORKS: 'student against teacher',
    LEVELS: 'class against instances, {network}',
}


class Inspector:
    """Measures how sure networks are and how right, and keeps examples for the report.

    It sees `NUM_IMAGES` images spread evenly over the validation set. Nothing of it gets into
    training.

    Args:
        dataset: Validation set.
        cfg: The run's config.
        bank: The run's instance bank, if it has one.
    """

    def __init__(self, dataset: Any, cfg: Config, bank: Bank | None = None) -> None:
        self.dataset = dataset
        self.bank = bank
        self.student: Any = None
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
            'calibration', see `Calibration.summary`. Of a teacher also 'confident_share', the
            labelled pixels whose probability reaches the threshold of pseudo labels, and
            'confident_acc', those of them that are right; fractions in [0, 1]. Of several processes
            the first one looks.
        """
        if rank() != 0:
            return {}
        is_teacher = name == 'teacher'
        opinions = SecondOpinions(self.student if is_teacher else None, self._instances(network))
        counts = np.zeros(3, np.int64)  # labelled, confident, confident and right
        calibration = Calibration(len(self.dataset.CLASSES), IGNORE_INDEX)
        for index in self.indices:
            seen = self._predict(network, index, opinions if index in self.examples else None)
            labels = self.dataset.get_gt_seg_map(index)
            labelled = labels != IGNORE_INDEX
            sure = labelled & (seen.confidence >= self.threshold)
            counts += [labelled.sum(), sure.sum(), (sure & (seen.labels == labels)).sum()]
            maps = (seen.labels, seen.confidence, labels)
            calibration.add_decisions(*map(torch.from_numpy, maps))
            if index in self.examples:
                self._keep(index, labels, seen, name)
        found: dict[str, Any] = {'calibration': calibration.summary()}
        if not is_teacher:
            self.student = network
            return found
        num_labelled, num_sure, num_right = (float(count) for count in counts)
        share = num_sure / num_labelled if num_labelled else float('nan')
        accuracy = num_right / num_sure if num_sure else float('nan')
        return {**found, 'confident_share': share, 'confident_acc': accuracy}

    def _instances(self, network: Any) -> InstanceSegmentor | None:
        """Return the network's instance level, once the bank has entries."""
        if self.bank is None or not isinstance(network, SegmentsViews):
            return None
        entries = filled_entries(self.bank.features, self.bank.labels)
        return None if entries is None else InstanceSegmentor(network, *entries).eval()

    def _predict(self, network: Any, index: int, opinions: SecondOpinions | None) -> Segmentation:
        """Segment an image by its first view, and map the uncertainty where there are opinions."""
        first_view = {key: views[:1] for key, views in self.dataset[index].items()}
        uncertainty: Mapping[str, torch.Tensor] = {}
        if opinions is None or not isinstance(network, SegmentsViews):
            labels, confidence = decide_samples(network, [first_view], with_confidence=True)
        else:
            batch = batch_of(network, [first_view])
            # The student trains on after this.
            with in_eval_mode(*(each for each in opinions if each is not None)):
                decided = decide_with_uncertainty(network, opinions, batch)
            (labels, confidence), uncertainty = decided
        assert confidence is not None
        maps = {kind: found[0].cpu().numpy() for kind, found in uncertainty.items()}
        return Segmentation(labels[0].cpu().numpy(), confidence[0].cpu().numpy(), maps)

    def _keep(self, index: int, labels: np.ndarray, seen: Segmentation, network: str) -> None:
        name = self.dataset.sample_inputs(index)['img_info']['filename']
        image = load_picture(self.dataset.image_path(index))
        number = self.examples.index(index)
        told = {
            _TOLD[kind].format(network=network): values for kind, values in seen.uncertainty.items()
        }
        self.writer.add(number, name, image, labels, seen.labels, network, told)
