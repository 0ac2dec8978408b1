"""HRDA's head: context and detail decoded by one head and fused by attention to scales.

Multi-resolution fusion of Hoyer et al. (ECCV 2022, section 3.3).

Legend: B images of H×W, C classes, s the scale of the context, o the stride of the head for both
scales, h×w = sH/o × sW/o the context's maps.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import nn

from mmseg.models.builder import HEADS, build_head
from mmseg.models.decode_heads.decode_head import BaseDecodeHead, Decoded
from mmseg.ops import resize
from mmseg.ops.boxes import Box
from mmseg.utils.errors import UserError

Losses = dict[str, torch.Tensor]


class Fused(NamedTuple):
    """What becomes of context and detail.

    Attributes:
        logits: z (B, C, H/o, W/o).
        context: (1 − a') ⊙ z_c (B, C, h, w), what the context says where the detail is not trusted.
        attention: a (B, C or 1, h, w) in [0, 1]; 1 trusts the detail. Before it is masked.
    """

    logits: torch.Tensor
    context: torch.Tensor
    attention: torch.Tensor


def fuse_scales(
    context: torch.Tensor, detail: torch.Tensor, attention: torch.Tensor, box: Box | None
) -> Fused:
    """Fuse logits of two scales: z = U((1 − a') ⊙ z_c) + U(a') ⊙ Z_d (section 3.3).

    Outside the box a' and Z_d are 0. The product is enlarged as one map, and the attention is
    masked before it is enlarged, as published.

    Args:
        context: z_c (B, C, h, w).
        detail: Z_d (B, C, H/o, W/o) of the whole image, 0 outside the box.
        attention: a (B, C or 1, h, w).
        box: Cells of the context that the detail covers; all of them where None.
    """
    masked = attention
    if box is not None:
        masked = torch.zeros_like(attention)
        box.of(masked).copy_(box.of(attention))
    size = detail.shape[2:]
    weighted = (1 - masked) * context
    logits = _enlarged(weighted, size) + _enlarged(masked, size) * detail
    return Fused(logits, weighted, attention)


def _enlarged(maps: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    if maps.shape[2:] == tuple(size):
        return maps
    return resize(maps, size=size, mode='bilinear', align_corners=False)


@HEADS.register_module()
class HRDAHead(nn.Module):
    """One head for both scales, and one of the same kind that tells which of them to trust.

    `HRDAEncoderDecoder` calls it; it is no head for one scale.

    Args:
        single_scale_head: Type of both heads, 'DAFormerHead' for example.
        hr_loss_weight: λ_d, the weight of the loss on the detail alone, in [0, 1].
        lr_loss_weight: λ_c, the same on the context as it is weighted, in [0, 1]; the fused loss
            weighs what is left of 1.
        attention_classwise: Whether each class has an attention of its own.
        attention_embed_dim: Channels of the attention's head.
        fixed_attention: Everywhere this attention in [0, 1], and no head for it; None for one.
        debug_output_attention: Whether tests show the attention, weighted by the classes'
            probabilities, in place of logits.
        **settings: Settings of the head for both scales.

    Raises:
        UserError: A weight or attention is out of range.
    """

    # Those of the head that it wraps, which checks them.
    takes_any_setting: ClassVar[bool] = True

    def __init__(
        self,
        single_scale_head: str,
        hr_loss_weight: float = 0.0,
        lr_loss_weight: float = 0.0,
        attention_classwise: bool = True,
        attention_embed_dim: int = 256,
        fixed_attention: float | None = None,
        debug_output_attention: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__()
        weights = hr_loss_weight, lr_loss_weight
        if min(weights) < 0 or sum(weights) > 1:
            raise UserError(
                'hr_loss_weight and lr_loss_weight: expected weights from 0 that leave something '
                f'of 1 to the fused loss, got {hr_loss_weight} and {lr_loss_weight}'
            )
        if fixed_attention is not None and not 0 <= fixed_attention <= 1:
            raise UserError(f'fixed_attention: expected None or [0, 1], got {fixed_attention}')
        self.hr_loss_weight = hr_loss_weight
        self.lr_loss_weight = lr_loss_weight
        self.fixed_attention = fixed_attention
        self.debug_output_attention = debug_output_attention
        self.head: BaseDecodeHead = build_head({'type': single_scale_head, **settings})
        self.scale_attention: BaseDecodeHead | None = None
        if fixed_attention is None:
            attention = _attention_settings(single_scale_head, settings, attention_embed_dim)
            if not attention_classwise:
                attention['num_classes'] = 1
            self.scale_attention = build_head(attention)

    @property
    def num_classes(self) -> int:
        """C."""
        return self.head.num_classes

    @property
    def align_corners(self) -> bool:
        """How logits are enlarged to the images' size."""
        return self.head.align_corners

    @property
    def embed_channels(self) -> int | None:
        """Channels D of the embedding of either scale; None for a head without."""
        return self.head.embed_channels

    @property
    def embedding_layer(self) -> nn.Module | None:
        """The layer that the embeddings come out of; None where that can't be told."""
        return self.head.embedding_layer

    def init_weights(self) -> None:
        """Draw the classifiers' weights."""
        self.head.init_weights()
        if self.scale_attention is not None:
            self.scale_attention.init_weights()

    def forward(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Decode maps of one scale: logits (B, C, h, w)."""
        return self.decoded(inputs).logits

    def decoded(self, inputs: Sequence[torch.Tensor]) -> Decoded:
        """Decode maps of one scale."""
        return self.head.decoded(inputs)

    def attention(self, context: Sequence[torch.Tensor], logits: torch.Tensor) -> torch.Tensor:
        """Tell how far to trust the detail.

        Args:
            context: Maps of the context.
            logits: What was decoded of them (B, C, h, w).

        Returns:
            a (B, C or 1, h, w) in [0, 1].
        """
        if self.scale_attention is None:
            return torch.full_like(logits[:, :1], float(self.fixed_attention or 0))
        return self.scale_attention.decoded(context).logits.sigmoid()

    def upsample(self, maps: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
        """Bring maps (B, *, h, w) to `size` bilinearly."""
        return self.head.upsample(maps, size)

    def decoded_losses(
        self,
        decoded: Decoded,
        seg_label: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
        box: Box | None = None,
    ) -> Losses:
        """Measure the losses (section 3.4).

        Args:
            decoded: Fused logits, and those of 'hr' (the detail) and 'lr' (the context) in
                `branches`.
            seg_label: Labels (B, 1, H, W).
            seg_weight: Weight of each pixel (B, H, W).
            box: Where the detail lies; over the whole image where None.

        Returns:
            (1 − λ_d − λ_c) L as 'loss_seg', λ_d L_d as 'hr.loss_seg', λ_c L_c as 'lr.loss_seg', and
            the accuracies; what weighs nothing is left out.
        """
        whole = (seg_label, seg_weight)
        inside = (seg_label, seg_weight)
        if box is not None:
            inside = (box.of(seg_label), None if seg_weight is None else box.of(seg_weight))
        weights = {'hr': self.hr_loss_weight, 'lr': self.lr_loss_weight}
        parts = [
            ('', 1 - sum(weights.values()), decoded.logits, whole),
            ('hr.', weights['hr'], decoded.branches['hr'], inside),
            ('lr.', weights['lr'], decoded.branches['lr'], whole),
        ]
        losses: Losses = {}
        for prefix, weight, logits, (label, pixels) in parts:
            if weight == 0 and prefix:
                continue
            for name, value in self.head.losses(logits, label, pixels).items():
                losses[f'{prefix}{name}'] = weight * value if 'loss' in name else value
        return losses


def _attention_settings(kind: str, settings: Mapping[str, Any], dim: int) -> dict[str, Any]:
    """Return the config of the attention's head: the same kind, lighter."""
    attention: dict[str, Any] = {'type': kind, **copy.deepcopy(dict(settings))}
    if 'channels' in attention:
        attention['channels'] = dim
    params = attention.get('decoder_params')
    if params is not None:
        params['embed_dims'] = dim
        fusion = params['fusion_cfg']
        if fusion.get('type') == 'aspp':
            layers = {key: fusion[key] for key in ('act_cfg', 'norm_cfg') if key in fusion}
            params['fusion_cfg'] = {'type': 'conv', 'kernel_size': 1, **layers}
    return attention
