"""A backbone, perhaps a neck, and a decode head with perhaps auxiliary ones.

Legend: B images of H×W, C classes, D channels of the embedding, h×w features.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from mmcv import ConfigDict
from torch import nn

from mmseg.models.builder import SEGMENTORS, build_backbone, build_head, build_neck
from mmseg.models.decode_heads import BaseDecodeHead, Decoded
from mmseg.models.segmentors.base import ImgMetas
from mmseg.models.segmentors.channels import with_in_channels
from mmseg.models.segmentors.gradient_averaging import AveragesGradients
from mmseg.models.segmentors.views import SegmentsViews
from mmseg.ops.boxes import Box
from mmseg.utils.errors import UserAssertionError, UserError
from mmseg.utils.overrides import has_own

# Where code written for mmsegmentation changes how a network trains and tests.
WAYS_OF_NETWORKS = (
    'forward_train',
    'encode_decode',
    '_decode_head_forward_train',
    '_decode_head_forward_test',
    '_auxiliary_head_forward_train',
)
WAYS_OF_HEADS = ('forward_train', 'forward_test')
# What saved configs of DAFormer carry in train_cfg: notes on the run, no settings.
_PUBLISHED_NOTES = ('work_dir', 'log_config')


class Detail(NamedTuple):
    """What a network of two scales makes of the detail.

    Attributes:
        box: Where the detail lies in the images.
        logits: Logits (B, C, h_d, w_d) of it alone.
        embedding: Its embedding (B, D, h_d, w_d); None for a head without.
        features: The backbone's maps of it; none where it was seen in windows.
    """

    box: Box
    logits: torch.Tensor
    embedding: torch.Tensor | None
    features: list[torch.Tensor]


class Embedded(NamedTuple):
    """All that one pass through the network yields.

    Attributes:
        logits: Logits (B, C, H, W) at the images' size.
        embedding: The head's fused feature (B, D, h, w), before dropout and classifier; None for
            a head without.
        features: The backbone's (or neck's) maps.
        branches: Logits (B, C, h, w) by name of the head's other classifiers.
        detail: Of a network of two scales: the finer one, where it was seen in a box, or was asked
            for. Embedding and features are the coarser one's.
    """

    logits: torch.Tensor
    embedding: torch.Tensor | None
    features: list[torch.Tensor]
    branches: Mapping[str, torch.Tensor] = {}
    detail: Detail | None = None


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
            and width in pixels; in a run's config the training crop and two thirds of it where
            left out) and `batched_slide` (whether the windows of a row are one batch; False).
        pretrained: Weights of the backbone, loaded by `init_weights`.
    """

    backbone: nn.Module
    neck: nn.Module | None
    decode_head: BaseDecodeHead
    auxiliary_head: BaseDecodeHead | nn.ModuleList | None
    # Whether there is a finer scale, `Embedded.detail`.
    has_two_scales = False
    # Whether a network of two scales lets the feature distance compare the detail too.
    compares_details = False

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
                raise UserAssertionError(
                    'pretrained is set for both the segmentor and its backbone'
                )
            backbone = {**backbone, 'pretrained': pretrained}
        self.backbone = build_backbone(backbone)
        self.neck = None
        if neck is not None:
            self.neck = build_neck(with_in_channels(neck, self.feature_channels))
        self._init_decode_head(decode_head)
        self.auxiliary_head = None
        self._init_auxiliary_head(auxiliary_head)
        self.train_cfg = ConfigDict(train_cfg or {})
        _check_train_cfg(self.train_cfg)
        self.test_cfg = ConfigDict(test_cfg or {'mode': 'whole'})

    def _init_decode_head(self, decode_head: Mapping[str, Any]) -> None:
        self.decode_head = build_head(with_in_channels(decode_head, self.feature_channels))
        self.align_corners = self.decode_head.align_corners
        self.num_classes = self.decode_head.num_classes

    def _init_auxiliary_head(
        self, auxiliary_head: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
    ) -> None:
        channels = self.feature_channels
        if isinstance(auxiliary_head, Mapping):
            self.auxiliary_head = build_head(with_in_channels(auxiliary_head, channels))
        elif auxiliary_head is not None:
            self.auxiliary_head = nn.ModuleList(
                build_head(with_in_channels(head, channels)) for head in auxiliary_head
            )

    @property
    def feature_channels(self) -> Sequence[int] | None:
        """Channels of each map that heads read; None where the last part before them is silent."""
        last = self.backbone if self.neck is None else self.neck
        return getattr(last, 'out_channels', None)

    @cached_property
    def own_ways(self) -> list[str]:
        """The methods by which this network or a head of it trains or tests in its own way.

        Of code written for mmsegmentation: `forward_train`, `encode_decode` and what they call.
        They see features and logits, not embeddings.
        """
        return [
            f'{type(part).__name__}.{name}'
            for part, base, names in self.parts_with_ways()
            for name in names
            if has_own(part, base, name)
        ]

    def parts_with_ways(self) -> list[tuple[Any, type, Sequence[str]]]:
        """Return what may have methods of its own, each with the class and the names of ours."""
        heads = (self.decode_head, *self._auxiliary_heads().values())
        return [
            (self, EncoderDecoder, WAYS_OF_NETWORKS),
            *((head, BaseDecodeHead, WAYS_OF_HEADS) for head in heads),
        ]

    @property
    def embed_channels(self) -> int:
        """Channels D of the embedding.

        Raises:
            UserError: The decode head has no embedding.
        """
        if self.decode_head.embed_channels is None:
            head, setting = self._embedding_head()
            raise UserError(
                f'{type(head).__name__} has no embedding, which the instance level needs; choose '
                f'another {setting}, such as DAFormerHead, or leave uda.instance out'
            )
        return self.decode_head.embed_channels

    def _embedding_head(self) -> tuple[nn.Module, str]:
        """Return the head that embeds, and what sets it."""
        return self.decode_head, 'decode head'

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

    def fitting_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Tell to which height and width tested images and windows of `size` are padded.

        Args:
            size: Height and width in pixels.

        Returns:
            The next multiples of `size_divisor`; for an encoder of one size that size, where
            `size` is smaller.
        """
        only = getattr(self.backbone, 'fixed_size', None)
        if only is not None and all(side <= most for side, most in zip(size, only, strict=True)):
            return only[0], only[1]
        return super().fitting_size(size)

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
        logits = self._decode_head_forward_test(self.extract_feat(img), img_metas)
        return self.decode_head.upsample(logits, img.shape[2:])

    def draw_crop(
        self, size: Sequence[int], generator: torch.Generator | None = None
    ) -> Box | None:
        """Draw where a training pass is to look closer; None for a network of one scale.

        Args:
            size: Height H and width W of the images.
            generator: What the draws come from; PyTorch's own where None.
        """
        return None

    def forward_embedding(self, img: torch.Tensor, box: Box | None = None) -> Embedded:
        """Pass images (B, 3, H, W) through once and keep all that is on the way.

        Args:
            img: Normalised images.
            box: From `draw_crop`, in a training pass.
        """
        return self.averaged_pass(img)

    def run_pass(self, img: torch.Tensor, decode: bool = True) -> Any:
        """Do what `forward_embedding` does, in this process alone; or extract features alone."""
        features = self.extract_feat(img)
        if not decode:
            return features
        logits, embedding, branches = self.decode_head.decoded(features)
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
        decoded: dict[str, Any] = {}
        decoded['decode'] = (self.decode_head, Decoded(embedded.logits, None, embedded.branches))
        for name, head in self._auxiliary_heads().items():
            decoded[name] = (head, head.decoded(embedded.features))
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
        return_feat: bool = False,
    ) -> dict[str, Any]:
        """Measure the losses of a batch.

        Args:
            img: Normalised images (B, 3, H, W).
            img_metas: Facts about each image.
            gt_semantic_seg: Labels (B, 1, H, W).
            seg_weight: Weight of each pixel (B, H, W).
            return_feat: Whether 'features', the maps that heads read, stand beside the losses.

        Returns:
            'decode.loss_seg', 'decode.acc_seg' and, with auxiliary heads, 'aux.loss_seg' and so
            on ('aux_0.loss_seg' where there are several); a head's further classifiers add theirs,
            such as 'decode.pam.loss_seg'.
        """
        if self.own_ways:
            features = self.averaged_pass(img, False)
            labels = (features, img_metas, gt_semantic_seg, *_given(seg_weight))
            losses = dict(self._decode_head_forward_train(*labels))
            if self.with_auxiliary_head:
                losses |= self._auxiliary_head_forward_train(*labels)
        else:
            embedded = self.forward_embedding(img, self.draw_crop(img.shape[2:]))
            features = embedded.features
            losses = self.losses(embedded, gt_semantic_seg, seg_weight)
        return {'features': features, **losses} if return_feat else losses

    def _decode_head_forward_train(
        self,
        x: Sequence[torch.Tensor],
        img_metas: ImgMetas,
        gt_semantic_seg: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Measure the losses of the decode head on maps x; see `forward_train`."""
        labels = (img_metas, gt_semantic_seg, self.train_cfg, *_given(seg_weight))
        losses = self.decode_head.forward_train(x, *labels)
        return {f'decode.{key}': value for key, value in losses.items()}

    def _auxiliary_head_forward_train(
        self,
        x: Sequence[torch.Tensor],
        img_metas: ImgMetas,
        gt_semantic_seg: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Measure the losses of all auxiliary heads on maps x; see `forward_train`."""
        labels = (img_metas, gt_semantic_seg, self.train_cfg, *_given(seg_weight))
        return {
            f'{name}.{key}': value
            for name, head in self._auxiliary_heads().items()
            for key, value in head.forward_train(x, *labels).items()
        }

    def _decode_head_forward_test(
        self, x: Sequence[torch.Tensor], img_metas: ImgMetas
    ) -> torch.Tensor:
        """Decode at test time: logits (B, C, h, w)."""
        return self.decode_head.forward_test(x, img_metas, self.test_cfg)

    def _auxiliary_heads(self) -> dict[str, Any]:
        """The auxiliary heads under the names that their losses carry."""
        if isinstance(self.auxiliary_head, nn.ModuleList):
            return {f'aux_{i}': head for i, head in enumerate(self.auxiliary_head)}
        return {} if self.auxiliary_head is None else {'aux': self.auxiliary_head}


def _check_train_cfg(train_cfg: Mapping[str, Any]) -> None:
    for key in train_cfg:
        if key not in _PUBLISHED_NOTES:
            raise UserError(f'train_cfg.{key} is read by nobody: there are no such settings here')


def _given(value: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
    """Return further arguments, none for None: mmsegmentation's methods take no pixel weights."""
    return () if value is None else (value,)
