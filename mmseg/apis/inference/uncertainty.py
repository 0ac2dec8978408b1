"""Where a network's predictions are not to be trusted: maps that need no labels.

Legend: B images, H×W the size of the original images.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from mmseg.apis.memory import SEGMENTING_KNOBS, explained_memory
from mmseg.core.checkpoint import Branch
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.evaluation.uncertainty import (
    disagreement,
    levels_disagreement,
    normalised_entropy,
)
from mmseg.models.segmentors.decision import Decision
from mmseg.models.segmentors.views import Slides
from mmseg.models.uda.instance_segmentor import InstanceSegmentor, entries_of_state

from .networks import init_segmentor

# Uncertainty of the class prediction alone, against the run's other network, and against DIDA's
# other level.
ENTROPY, NETWORKS, LEVELS = 'entropy', 'networks', 'levels'


class SecondOpinions(NamedTuple):
    """What a network's predictions are compared with.

    Attributes:
        network: The teacher beside a student, the student beside a teacher; None where the
            checkpoint holds one network alone.
        instances: The instance level of the network itself; None for a run without a bank.
    """

    network: Any = None
    instances: InstanceSegmentor | None = None


def second_opinions(
    model: Any, checkpoint: str | Path, branch: Branch = 'model', trust_checkpoint: bool = False
) -> SecondOpinions:
    """Load what a network can be compared with.

    Args:
        model: From `init_segmentor`.
        checkpoint: The file that it came from; an ONNX file holds nothing to compare with.
        branch: Which network of the file it is.
        trust_checkpoint: Whether the file may run code.

    Returns:
        What there is.
    """
    if Path(checkpoint).suffix == '.onnx':
        return SecondOpinions()
    state = read_checkpoint(checkpoint, trust_checkpoint)['state_dict']
    other = bank = None
    device = next(model.parameters()).device
    if any(key.removeprefix('module.').startswith('ema_model.') for key in state):
        pair: Branch = 'ema_model' if branch == 'model' else 'model'
        other = init_segmentor(model.cfg, checkpoint, device, pair, trust_checkpoint)
    entries = entries_of_state(state)
    if entries is not None:
        bank = InstanceSegmentor(model, *entries).to(device).eval()
    return SecondOpinions(other, bank)


def decide_with_uncertainty(
    model: Any, opinions: SecondOpinions, batch: Mapping[str, Any], slide: Slides | None = None
) -> tuple[Decision, dict[str, torch.Tensor]]:
    """Let a network decide on the pixels of a batch, and tell where not to trust it.

    Args:
        model: Segmentor.
        opinions: What it is compared with.
        batch: See `decide`.
        slide: See `decide`.

    Returns:
        The decision with confidence, and maps (B, H, W) float32 in [0, 1] by kind: 'entropy', and
        'networks' and 'levels' where there is something to compare with.
    """
    views, metas = batch['img'], batch['img_metas']
    asked = {ENTROPY: model, NETWORKS: opinions.network, LEVELS: opinions.instances}
    there = {kind: network.eval() for kind, network in asked.items() if network is not None}
    strips: list[list[torch.Tensor]] = []
    with torch.inference_mode(), explained_memory(views[0].device, SEGMENTING_KNOBS):
        every = [network.probability_strips(views, metas, slide) for network in there.values()]
        for parts in zip(*every, strict=True):
            probs = dict(zip(there, (strip for _, strip in parts), strict=True))
            own = probs[ENTROPY]
            confidence, labels = own.max(dim=1)
            maps = {
                kind: compare(own, probs[kind])
                for kind, compare in ((NETWORKS, disagreement), (LEVELS, levels_disagreement))
                if kind in probs
            }
            strips.append([labels, confidence, normalised_entropy(own), *maps.values()])
        labels, confidence, *found = (
            torch.cat(column, dim=1) for column in zip(*strips, strict=True)
        )
    dtype = torch.uint8 if model.num_classes <= torch.iinfo(torch.uint8).max + 1 else torch.int64
    return Decision(labels.to(dtype), confidence), dict(zip(there, found, strict=True))
