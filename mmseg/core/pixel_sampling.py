"""Samplers that choose the pixels that a loss looks at, and their registry."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from mmcv.utils import Registry
from torch import nn

from mmseg.core.building import build_from_cfg, check_contract
from mmseg.utils.errors import UserAssertionError, UserError

PIXEL_SAMPLERS = Registry('pixel sampler', build_func=build_from_cfg)


def build_pixel_sampler(cfg: Mapping[str, Any], **default_args: Any) -> Any:
    """Build a pixel sampler, such as `dict(type='OHEMPixelSampler')`, for `context`, a head."""
    sampler = PIXEL_SAMPLERS.build(cfg, default_args=default_args)
    check_contract(sampler, BasePixelSampler)
    return sampler


class BasePixelSampler(ABC):
    """What a sampler offers to a decode head."""

    @abstractmethod
    def sample(self, seg_logit: torch.Tensor, seg_label: torch.Tensor) -> torch.Tensor:
        """Weigh the pixels.

        Args:
            seg_logit: Logits (B, C, H, W).
            seg_label: Labels (B, 1, H, W).

        Returns:
            Weights (B, H, W).
        """


@PIXEL_SAMPLERS.register_module()
class OHEMPixelSampler(BasePixelSampler):
    """Online hard example mining (Shrivastava et al., CVPR 2016) over pixels.

    Args:
        context: The decode head; its `ignore_index` and `loss_decode` are used.
        thresh: Pixels whose label has a probability below it are hard. Without it, the pixels
            of the highest loss are kept.
        min_kept: At least so many pixels an image are kept (exactly so many without `thresh`),
            as far as there are labelled ones.
    """

    def __init__(self, context: Any, thresh: float | None = None, min_kept: int = 100000) -> None:
        if min_kept <= 1:
            raise UserAssertionError(f'min_kept must be above 1, got {min_kept}')
        self.context = context
        self.thresh = thresh
        self.min_kept = min_kept

    @torch.no_grad()
    def sample(self, seg_logit: torch.Tensor, seg_label: torch.Tensor) -> torch.Tensor:
        """Give hard pixels weight 1 and the others 0; see the base class."""
        labels = seg_label.squeeze(1)
        valid = labels != self.context.ignore_index
        num_kept = self.min_kept * labels.shape[0]
        if self.thresh is None:
            chosen = self._of_highest_loss(seg_logit, labels, valid, num_kept)
        else:
            chosen = _of_low_probability(seg_logit, labels, valid, num_kept, self.thresh)
        weights = torch.zeros_like(labels, dtype=seg_logit.dtype)
        weights[valid] = chosen.to(weights.dtype)
        return weights

    def _of_highest_loss(
        self, logits: torch.Tensor, labels: torch.Tensor, valid: torch.Tensor, num_kept: int
    ) -> torch.Tensor:
        """Choose the valid pixels (V,) whose loss is highest."""
        settings = {'ignore_index': self.context.ignore_index, 'reduction_override': 'none'}
        criteria = self.context.loss_decode
        criteria = criteria if isinstance(criteria, nn.ModuleList) else [criteria]
        of_pixels = [criterion(logits, labels, **settings) for criterion in criteria]
        if any(loss.shape != labels.shape for loss in of_pixels):
            raise UserError(
                'OHEMPixelSampler without thresh chooses by the losses of single pixels, and '
                'loss_decode has one that knows none (Dice, Lovász, use_sigmoid): give thresh'
            )
        losses = torch.stack(of_pixels).sum(dim=0)[valid]
        chosen = torch.zeros_like(losses, dtype=torch.bool)
        chosen[losses.topk(min(num_kept, losses.numel())).indices] = True
        return chosen


def _of_low_probability(
    logits: torch.Tensor,
    labels: torch.Tensor,
    valid: torch.Tensor,
    num_kept: int,
    thresh: float,
) -> torch.Tensor:
    """Choose valid pixels (V,) below the threshold, raised until enough are chosen."""
    index = labels.masked_fill(~valid, 0).unsqueeze(1)
    probs = logits.softmax(1).gather(1, index).squeeze(1)[valid]
    if probs.numel() == 0:
        return probs.bool()
    rank = min(num_kept, probs.numel() - 1)
    enough = probs.kthvalue(rank + 1).values
    return probs < enough.clamp_min(thresh)
