"""A backbone, perhaps a neck, and a decode head with perhaps auxiliary ones.

Legend: B images of H x W, C classes, D channels of the embedding, h x w features.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmcv import ConfigDict
from torch import nn

from mmseg.core.building import nearest
from mmseg.models.builder import SEGMENTORS, build_backbone, build_head, build_neck
from mmseg.models.decode_heads import BaseDecodeHead, Decoded
from mmseg.models.segmentors.base import BaseSegmentor, ImgMetas
from mmseg.models.segmentors.gradient_averaging import AveragesGradients
from mmseg.ops import upsampled_classes
from mmseg.utils.errors import UserError

_MODES = ('whole', 'slide')
_TEST_SETTINGS = {'mode', 'crop_size', 'stride'}


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
class EncoderDecoder(AveragesGradients, BaseSegmentor):
    """Segmentor of an encoder and a decoder.

    Args:
        backbone: Config of the backbone.
        decode_head: Config of the decode head.
        neck: Config of the neck.
        auxiliary_head: Config of the auxiliary head, or of several.
        train_cfg: Settings of training, handed to the heads.
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
        self.test_cfg = ConfigDict(test_cfg or {'mode': 'whole'})
        _check_test_cfg(self.test_cfg)

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

    def extract_feat(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract the maps that the heads read from images (B, 3, H, W)."""
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

    def whole_inference(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Segment images (B, 3, H, W) in one piece; see `inference` for the arguments.

        Returns:
            Logits (B, C, H', W').
        """
        return self._rescale(self.encode_decode(img, img_meta), img_meta, rescale)

    def slide_inference(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Segment images (B, 3, H, W) in overlapping windows, whose logits are averaged.

        Args:
            img: Normalised images.
            img_meta: See `inference`.
            rescale: See `inference`.

        Returns:
            Logits (B, C, H', W').
        """
        height, width = img.shape[2:]
        total = img.new_zeros(img.shape[0], self.num_classes, height, width)
        counts = img.new_zeros(1, 1, height, width)
        for top in _window_starts(height, self.test_cfg.crop_size[0], self.test_cfg.stride[0]):
            for left in _window_starts(width, self.test_cfg.crop_size[1], self.test_cfg.stride[1]):
                rows = slice(top, top + self.test_cfg.crop_size[0])
                columns = slice(left, left + self.test_cfg.crop_size[1])
                total[..., rows, columns] += self.encode_decode(img[..., rows, columns], img_meta)
                counts[..., rows, columns] += 1
        return self._rescale(total / counts, img_meta, rescale)

    def inference(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Segment images as `test_cfg` says.

        Args:
            img: Normalised images (B, 3, H, W).
            img_meta: Facts about each image: `ori_shape` (the same for all), `flip` and
                `flip_direction`.
            rescale: Whether the result has the size `ori_shape` rather than that of `img`.

        Returns:
            Probabilities (B, C, H', W'), flipped back where the images were flipped.
        """
        return self._view_logits(img, img_meta, rescale).softmax(dim=1)

    def predict_labels(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], rescale: bool = True
    ) -> torch.Tensor:
        """Predict label maps, and leave them on the device.

        Args:
            imgs: Views (A), each (B, 3, H, W), of any scale, flipped or not.
            img_metas: For each view, facts about its images; see `inference`.
            rescale: Whether the maps have the size `ori_shape` rather than that of the images.

        Returns:
            Classes (B, H', W') int64: the likeliest by the mean probability of all views.
        """
        if len(imgs) == 1:
            # Logits rank as probabilities do.
            logits = self._view_logits(*imgs, *img_metas, rescale=False)
            size = _original_size(img_metas[0]) if rescale else logits.shape[2:]
            return upsampled_classes(logits, size, self.align_corners)
        scores = self.inference(imgs[0], img_metas[0], rescale)
        for img, metas in zip(imgs[1:], img_metas[1:], strict=True):
            scores += self.inference(img, metas, rescale)
        return upsampled_classes(scores, scores.shape[2:])

    def _view_logits(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        infer = self.slide_inference if self.test_cfg.mode == 'slide' else self.whole_inference
        return unflipped(infer(img, img_meta, rescale), img_meta)

    def _auxiliary_heads(self) -> dict[str, nn.Module]:
        """The auxiliary heads under the names that their losses carry."""
        if isinstance(self.auxiliary_head, nn.ModuleList):
            return {f'aux_{i}': head for i, head in enumerate(self.auxiliary_head)}
        return {} if self.auxiliary_head is None else {'aux': self.auxiliary_head}

    def _rescale(self, logits: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Bring logits to the size of the original images."""
        if not rescale:
            return logits
        return self.decode_head.upsample(logits, _original_size(img_meta))


def _original_size(img_meta: ImgMetas) -> tuple[int, int]:
    """Return height and width of a batch's original images."""
    sizes = {tuple(meta['ori_shape'][:2]) for meta in img_meta}
    if len(sizes) != 1:
        raise UserError(f'images of one batch differ in ori_shape: {sorted(sizes)}')
    return sizes.pop()


def unflipped(maps: torch.Tensor, img_meta: ImgMetas) -> torch.Tensor:
    """Flip maps (B, C, H, W) back where the images that they belong to were flipped."""
    if not img_meta[0].get('flip'):
        return maps
    axis = 3 if img_meta[0].get('flip_direction', 'horizontal') == 'horizontal' else 2
    return maps.flip(dims=(axis,))


def _build_auxiliary(
    cfg: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
) -> nn.Module | None:
    if cfg is None or isinstance(cfg, Mapping):
        return None if cfg is None else build_head(cfg)
    return nn.ModuleList(build_head(head) for head in cfg)


def _window_starts(length: int, window: int, stride: int) -> list[int]:
    """Where windows begin so that they cover `length`; the last one is moved back inside."""
    num_windows = max(length - window + stride - 1, 0) // stride + 1
    return [max(min(i * stride, length - window), 0) for i in range(num_windows)]


def _check_test_cfg(test_cfg: Mapping[str, Any]) -> None:
    for key in sorted(set(test_cfg) - _TEST_SETTINGS):
        raise UserError(f'test_cfg has no setting {key!r}; {nearest(key, _TEST_SETTINGS)}')
    mode = test_cfg.get('mode')
    if mode not in _MODES:
        raise UserError(f"test_cfg.mode is {mode!r}; expected 'whole' or 'slide'")
    if mode == 'slide' and not {'crop_size', 'stride'} <= set(test_cfg):
        raise UserError("test_cfg: the mode 'slide' needs crop_size and stride")
