"""A backbone, perhaps a neck, and a decode head with perhaps auxiliary ones.

Legend: B images of H x W, C classes, D channels of the embedding, h x w features.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmcv import ConfigDict
from torch import nn

from mmseg.models.builder import SEGMENTORS, build_backbone, build_head, build_neck
from mmseg.models.decode_heads import BaseDecodeHead, Decoded
from mmseg.models.segmentors.base import ImgMetas
from mmseg.models.segmentors.gradient_averaging import AveragesGradients
from mmseg.models.segmentors.views import SegmentsViews
from mmseg.utils.errors import UserError

# What saved configs of DAFormer carry in train_cfg: notes on the run, no settings.
_PUBLISHED_NOTES = ('work_dir', 'log_config')


class Embedded(NamedTuple):
    """All that one pass through the network yields.

    Attributes:
        logits: Logits (B, C, H, W) at the images' size.
        embedding: The head's fused feature (B, D, h, w), before dropout and classifier; None for
            a head without.
        features: The backbone's (or neck's) maps.
        branches: Logits (B, C, h, w) by name of the head's other classifiers.
    """

    logits: torch.Tensor
    embedding: torch.Tensor | None
    features: list[torch.Tensor]
    branches: Mapping[str, torch.Tensor] = {}


@SEGMENTORS.register_module()
class EncoderDecoder(AveragesGradients, SegmentsViews):
    """Segmentor of an encoder and a decoder.

    Args:
        backbone: Config of the backbone.
        decode_head: Config of the decode head.
        neck: Config of the neck.
        auxiliary_head: Config of the auxiliary head, or of several.
        train_cfg: Has no settings here; published configs give an empty one.
        test_cfg: `mode` ('whole' or 'slide') and, for 'slide', `crop_size` and `stride` (height
            and width in pixels).
        pretrained: Weights of the backbone, loaded by `init_weights`.
    """

    backbone: nn.Module
    neck: nn.Module | None
    decode_head: BaseDecodeHead
    auxiliary_head: BaseDecodeHead | nn.ModuleList | None

    def __init__(
        self,
        backbone: Mapping[str, Any],
        decode_head: Mapping[str, Any],
        neck: Mapping[str, Any] | None = None,
        auxiliary_head: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        train_cfg: Mapping[str, Any] | None = None,
        test_cfg: Mapping[str, Any] | None = None,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        if pretrained is not None:
            if backbone.get('pretrained') is not None:
                raise UserError('pretrained is set for both the segmentor and its backbone')
            backbone = {**backbone, 'pretrained': pretrained}
        self.backbone = build_backbone(backbone)
        self.neck = None if neck is None else build_neck(neck)
        self.decode_head = build_head(decode_head)
        self.auxiliary_head = _build_auxiliary(auxiliary_head)
        self.align_corners = self.decode_head.align_corners
        self.num_classes = self.decode_head.num_classes
        self.train_cfg = ConfigDict(train_cfg or {})
        _check_train_cfg(self.train_cfg)
        self.test_cfg = ConfigDict(test_cfg or {'mode': 'whole'})

    @property
    def embed_channels(self) -> int:
        """Channels D of the embedding.

        Raises:
            UserError: The decode head has no embedding.
        """
        if self.decode_head.embed_channels is None:
            raise UserError(
                f'{type(self.decode_head).__name__} has no embedding, which the instance level '
                'needs; choose another decode head, such as DAFormerHead, or leave uda.instance out'
            )
        return self.decode_head.embed_channels

    def init_weights(self) -> None:
        """Load the backbone's pretrained weights and draw those of neck and heads."""
        heads = (self.decode_head, *self._auxiliary_heads().values())
        for part in (self.backbone, self.neck, *heads):
            if part is not None:
                part.init_weights()

    @property
    def num_bands(self) -> int | None:
        """Channels of the images that the backbone takes; None where that cannot be told."""
        convs = (part for part in self.backbone.modules() if isinstance(part, nn.Conv2d))
        first = next(convs, None)
        return None if first is None else first.in_channels

    def extract_feat(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract the maps that the heads read from images (B, 3, H, W).

        Raises:
            UserError: The images have more or fewer bands than the backbone takes.
        """
        expected = self.num_bands
        if expected is not None and img.shape[1] != expected:
            raise UserError(
                f'the network takes images of {expected} bands, these have {img.shape[1]}: '
                'model.backbone.in_chans (in_channels of a ResNet), color_type of '
                'LoadImageFromFile and mean and std of Normalize must agree'
            )
        features = self.backbone(img)
        return features if self.neck is None else self.neck(features)

    def encode_decode(self, img: torch.Tensor, img_metas: ImgMetas) -> torch.Tensor:
        """Turn images (B, 3, H, W) into logits (B, C, H, W)."""
        logits = self.decode_head.forward_test(self.extract_feat(img), img_metas, self.test_cfg)
        return self.decode_head.upsample(logits, img.shape[2:])

    def forward_embedding(self, img: torch.Tensor) -> Embedded:
        """Pass images (B, 3, H, W) through once and keep all that is on the way."""
        return self.averaged_pass(img)

    def run_pass(self, img: torch.Tensor) -> Embedded:
        """Do what `forward_embedding` does, in this process alone."""
        features = self.extract_feat(img)
        logits, embedding, branches = self.decode_head.decode(features)
        logits = self.decode_head.upsample(logits, img.shape[2:])
        return Embedded(logits, embedding, features, branches)

    def losses(
        self,
        embedded: Embedded,
        gt_semantic_seg: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Measure the losses of images already passed through; as `forward_train`.

        Args:
            embedded: What `forward_embedding` returned.
            gt_semantic_seg: Labels (B, 1, H, W).
            seg_weight: Weight of each pixel (B, H, W).

        Returns:
            As `forward_train`.
        """
        decoded = {'decode': (self.decode_head, Decoded(embedded.logits, None, embedded.branches))}
        for name, head in self._auxiliary_heads().items():
            decoded[name] = (head, head.decode(embedded.features))
        return {
            f'{name}.{key}': value
            for name, (head, outcome) in decoded.items()
            for key, value in head.decoded_losses(outcome, gt_semantic_seg, seg_weight).items()
        }

    def forward_dummy(self, img: torch.Tensor) -> torch.Tensor:
        """Turn images (B, 3, H, W) into logits, for tools that count operations."""
        return self.encode_decode(img, [])

    def forward_train(
        self,
        img: torch.Tensor,
        img_metas: ImgMetas,
        gt_semantic_seg: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Measure the losses of a batch.

        Args:
            img: Normalised images (B, 3, H, W).
            img_metas: Facts about each image.
            gt_semantic_seg: Labels (B, 1, H, W).
            seg_weight: Weight of each pixel (B, H, W).

        Returns:
            'decode.loss_seg', 'decode.acc_seg' and, with auxiliary heads, 'aux.loss_seg' and so
            on ('aux_0.loss_seg' where there are several); a head's further classifiers add theirs,
            such as 'decode.pam.loss_seg'.
        """
        return self.losses(self.forward_embedding(img), gt_semantic_seg, seg_weight)

    def _auxiliary_heads(self) -> dict[str, nn.Module]:
        """The auxiliary heads under the names that their losses carry."""
        if isinstance(self.auxiliary_head, nn.ModuleList):
            return {f'aux_{i}': head for i, head in enumerate(self.auxiliary_head)}
        return {} if self.auxiliary_head is None else {'aux': self.auxiliary_head}


def _check_train_cfg(train_cfg: Mapping[str, Any]) -> None:
    for key in train_cfg:
        if key not in _PUBLISHED_NOTES:
            raise UserError(f'train_cfg.{key} is read by nobody: there are no such settings here')


def _build_auxiliary(
    cfg: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
) -> nn.Module | None:
    if cfg is None or isinstance(cfg, Mapping):
        return None if cfg is None else build_head(cfg)
    return nn.ModuleList(build_head(head) for head in cfg)
