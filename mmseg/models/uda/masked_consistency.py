"""Masked image consistency (MIC; Hoyer et al., CVPR 2023).

The student is to predict a target image's pseudo labels from what is left of it when most of its
blocks are hidden, and so learns to read them from their surroundings.

Legend: B images, K bands, C classes, H×W the crop, h×w its blocks.
"""

from dataclasses import replace
from typing import Any, Literal, cast

import torch

from mmseg.models.builder import TERMS
from mmseg.models.segmentors import EncoderDecoder
from mmseg.ops import to_device
from mmseg.utils.distributed import own_part, world_size
from mmseg.utils.errors import UserError

from .augmentation import draw_view
from .base import Losses, Step, Term, with_more
from .settings import expect
from .teacher import EMATeacher

_AUGMENTED = 'aug'
_MODES = ('separatetrg', 'separatesrc', 'separate')
MODES = (*_MODES, *(mode + _AUGMENTED for mode in _MODES))
# What the published code multiplies by λ_M, and nothing else.
_WEIGHTED_LOSS = 'decode.loss_seg'


def num_blocks(side: int, block_size: int) -> int:
    """Return the blocks along a side of pixels: what fits, rounded half to even as published.

    >>> num_blocks(512, block_size=64), num_blocks(500, block_size=64)
    (8, 8)
    """
    return round(side / block_size)


def block_mask(draws: torch.Tensor, ratio: float, height: int, width: int) -> torch.Tensor:
    """Keep blocks whose draw exceeds the ratio: the others, of that share on average, are hidden.

    Args:
        draws: Uniform draws (B, h, w) in [0, 1), one a block.
        ratio: r, the probability that a block is hidden, in [0, 1).
        height: H.
        width: W.

    Returns:
        Mask (B, 1, H, W) bool, true where the image is kept; pixel i of n along a side of m blocks
        belongs to block ⌊i·m/n⌋.

    >>> block_mask(torch.tensor([[[0.2, 0.9]]]), ratio=0.7, height=1, width=4).int()
    tensor([[[[0, 0, 1, 1]]]], dtype=torch.int32)
    """
    rows, columns = (
        torch.arange(side, device=draws.device) * count // side
        for side, count in zip((height, width), draws.shape[1:], strict=True)
    )
    return (draws > ratio)[:, None, rows[:, None], columns]


@TERMS.register_module()
class MaskedConsistency(Term):
    """Masked image consistency (MIC): a loss on images most of whose blocks are hidden.

    Its labels are those of the step: pseudo labels of the whole, unmixed target image with their
    weights, or the source's. Hidden pixels are 0 in normalised images, the data's mean colour.

    Args:
        student: The network that learns.
        mode: 'separatetrg' masks the target batch, 'separatesrc' the source batch, 'separate' the
            first half of either; each with 'aug' behind it lets the image be jittered and blurred
            first. Without adaptation (`uda.source_only`) it is always the source.
        mask_ratio: r, the probability in [0, 1) that a block is hidden.
        mask_block_size: b, pixels along a block's side; 64 for images at full resolution, 32 at
            half.
        loss_weight: λ_M; as published it multiplies `masked.decode.loss_seg` alone.
        alpha: 'same' asks the step's teacher; a number in [0, 1) is the momentum of a teacher of
            its own, 0 being the student itself.
        pseudo_threshold: 'same' is the step's; a probability another one; None lets all pseudo
            labels count in full.

    Raises:
        UserError: A setting is out of range.
    """

    name = 'mic'

    def __init__(
        self,
        student: Any,
        mode: str = 'separatetrgaug',
        mask_ratio: float = 0.7,
        mask_block_size: int = 64,
        loss_weight: float = 1.0,
        alpha: float | Literal['same'] = 'same',
        pseudo_threshold: float | Literal['same'] | None = 'same',
    ) -> None:
        super().__init__(student)
        expect(mode in MODES, 'mask_mode', f'one of {", ".join(MODES)}', mode)
        expect(0 <= mask_ratio < 1, 'mask_generator.mask_ratio', 'a share in [0, 1)', mask_ratio)
        name, expected = 'mask_generator.mask_block_size', 'a number of pixels from 1'
        expect(mask_block_size >= 1, name, expected, mask_block_size)
        expect(loss_weight >= 0, 'mask_lambda', 'a number from 0', loss_weight)
        fits = alpha == 'same' or (_is_share(alpha) and alpha != 1)
        expect(fits, 'mask_alpha', "'same' or a momentum in [0, 1)", alpha)
        threshold = pseudo_threshold
        fits = threshold in ('same', None) or _is_share(threshold)
        expect(fits, 'mask_pseudo_threshold', "'same', None or a probability in [0, 1]", threshold)
        self.part = mode.removesuffix(_AUGMENTED)
        self.is_augmented = mode.endswith(_AUGMENTED)
        self.mask_ratio = mask_ratio
        self.mask_block_size = mask_block_size
        self.loss_weight = loss_weight
        self.pseudo_threshold = pseudo_threshold
        self.teacher: EMATeacher | None = None
        if alpha != 'same':
            self.teacher = EMATeacher(student, alpha)
            self.teacher.add_module('ema_model', self.teacher.model)

    @property
    def masks_targets(self) -> bool:
        """Whether it masks the whole target batch, which other terms may look at then."""
        return self.part == 'separatetrg'

    def start(self, step: Step) -> None:
        """Move the teacher, if it is one of its own."""
        if self.teacher is not None:
            self.teacher.set_mode(step.student)
            self.teacher.update(step.student, step.cumulative_iters)

    def own_pass(self, step: Step) -> Losses:
        """Measure L_M: the student's losses on the masked images (section 3.2)."""
        img, labels, weight = self._images_with_labels(step)
        if self.is_augmented:
            view = replace(step.view, blur=True)
            img = draw_view(img, *step.norm, view, self.draws(step, 'view'))
        losses, masked = step.measure(img * self._mask(step, img), labels, weight, 'masked')
        if _WEIGHTED_LOSS in losses:
            losses[_WEIGHTED_LOSS] = self.loss_weight * losses[_WEIGHTED_LOSS]
        losses = {f'masked.{name}': value for name, value in losses.items()}
        if self.masks_targets and not step.source_only:
            for term in step.terms:
                losses = with_more(losses, term.masked_losses(step, masked), term)
        return losses

    def pseudo_labels(self, step: Step) -> tuple[torch.Tensor, torch.Tensor]:
        """Return labels (B, H, W) of the whole target images, and their weights (B, H, W)."""
        if self.teacher is None and self.pseudo_threshold == 'same':
            return step.pseudo_label, step.pseudo_weight
        probs = step.probs
        if self.teacher is not None:
            probs = step.ask(cast(EncoderDecoder, self.teacher.model), step.target_img).probs
        # From a threshold of 0 on everything is confident.
        threshold = 0.0 if self.pseudo_threshold is None else self.pseudo_threshold
        return step.pseudo_labels(probs, None if threshold == 'same' else threshold)

    def _images_with_labels(
        self, step: Step
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return what is masked: images (B, K, H, W), labels (B, 1, H, W), weights (B, H, W)."""
        if step.source_only or self.part == 'separatesrc':
            return step.img, step.labels, None
        labels, weight = self.pseudo_labels(step)
        if self.masks_targets:
            return step.target_img, labels[:, None], weight
        half = max(len(step.img) // 2, 1)
        return (
            torch.cat([step.img[:half], step.target_img[:half]]),
            torch.cat([step.labels[:half], labels[:half, None]]),
            torch.cat([torch.ones_like(weight[:half]), weight[:half]]),
        )

    def _mask(self, step: Step, img: torch.Tensor) -> torch.Tensor:
        """Draw the masks (B, 1, H, W) of a batch, one an image."""
        height, width = img.shape[2:]
        blocks = [num_blocks(side, self.mask_block_size) for side in (height, width)]
        if min(blocks) < 1:
            raise UserError(
                f'uda.mask_generator.mask_block_size: expected at most a crop of {height}×{width} '
                f'(height×width), got {self.mask_block_size}'
            )
        size = (len(img) * world_size(), *blocks)
        draws = own_part(torch.rand(size, generator=self.draws(step, 'mask')))
        return block_mask(to_device(draws, img.device), self.mask_ratio, height, width)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
