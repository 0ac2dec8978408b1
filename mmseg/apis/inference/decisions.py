"""The one way through a trained network: prepared images in, the class of each pixel out.

Legend: B images, H×W the size of the original images.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmcv.parallel import collate

from mmseg.apis.loader import DeviceLoader
from mmseg.apis.memory import TESTING_KNOBS, explained_memory
from mmseg.core.precision import Precision
from mmseg.models.segmentors.decision import Decision
from mmseg.models.segmentors.views import Slides


def decide(
    model: Any,
    batch: Mapping[str, Any],
    with_confidence: bool = False,
    slide: Slides | None = None,
    amp: str | None = None,
    knobs: str = TESTING_KNOBS,
) -> Decision:
    """Let a network, in eval mode from here on, decide on the pixels of a batch.

    Args:
        model: Segmentor.
        batch: `img`, the views of B images on the network's device, and their `img_metas`.
        with_confidence: Whether the probabilities of the classes are wanted too.
        slide: Whether a view goes through in windows; None for what `test_cfg.mode` says.
        amp: None for float32, 'bf16' or 'fp16' for a network in that type.
        knobs: The settings that help where memory does not suffice.

    Returns:
        Classes (B, H, W) and their probabilities, on the device.

    Raises:
        UserError: The device's memory does not suffice.
    """
    model.eval()
    views, metas = batch['img'], batch['img_metas']
    device = views[0].device
    precision = Precision(amp, device)
    with torch.inference_mode(), explained_memory(device, knobs), precision.autocast():
        if with_confidence or slide is not None:
            return model.decide(views, metas, with_confidence=with_confidence, slide=slide)
        return Decision(model.predict_labels(views, metas), None)


def decide_samples(model: Any, samples: Sequence[Mapping[str, Any]], **settings: Any) -> Decision:
    """Let a network decide on what a test pipeline made of images of one size.

    Args:
        model: Segmentor.
        samples: What the pipeline returned for each of B images.
        **settings: As for `decide`.

    Returns:
        As `decide`.
    """
    return decide(model, batch_of(model, samples), **settings)


def batch_of(model: Any, samples: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Bring what a test pipeline made of images of one size to a network's device, as a batch."""
    device = next(model.parameters()).device
    (batch,) = DeviceLoader([collate(list(samples), samples_per_gpu=len(samples))], device)
    return batch
