"""What all decode heads share: inputs, classifier, losses.

Legend: B images, C classes, D channels of the embedding, H×W labels, h×w features.
"""

import copy
from abc import ABCMeta
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmcv.cnn import initialize
from torch import nn

from mmseg.core.pixel_sampling import build_pixel_sampler
from mmseg.models.builder import build_loss
from mmseg.models.losses import accuracy
from mmseg.ops import resize
from mmseg.utils.errors import UserAssertionError, UserError, UserTypeError
from mmseg.utils.overrides import has_own


class Decoded(NamedTuple):
    """What a head makes of the backbone's maps.

    Attributes:
        logits: Logits (B, C, h, w).
        embedding: The fused feature (B, D, h, w) that was classified; None for a head without.
        branches: Logits (B, C, h, w) by name that have a loss of their own.
    """

    logits: torch.Tensor
    embedding: torch.Tensor | None
    branches: Mapping[str, torch.Tensor] = {}


class BaseDecodeHead(nn.Module, metaclass=ABCMeta):
    """Base of decode heads, with mmsegmentation 0.16's settings and results.

    A head implements `embed`; the rest follows from it. One that has no embedding, or more than
    one classifier, implements `decode`; or, as there, `forward` alone, and has no embedding.

    Args:
        in_channels: Channels of the input, or of each input with an `input_transform`.
        channels: Channels D of the embedding, which the classifier reads.
        num_classes: Classes C.
        dropout_ratio: Share of embedding channels dropped before the classifier, in [0, 1).
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.
        act_cfg: Config of activations.
        in_index: Which feature map, or maps with an `input_transform`, are used.
        input_transform: 'resize_concat' (to the first one's size, then joined),
            'multiple_select' (a list) or None (a single map).
        loss_decode: Config of the loss, or of several that are added up.
        ignore_index: Label of pixels that are left out of the loss.
        sampler: Config of a pixel sampler.
        align_corners: As in `torch.nn.functional.interpolate`.
        init_cfg: How mmcv draws first weights, over those that `init_weights` draws.
    """

    # Whether `forward` was written for this head, and not derived from `embed` or `decode`.
    has_own_forward = False

    # A number for one map, several for several.
    in_channels: Any
    in_index: Any

    # What the losses of the main logits are called; heads with branches may give it a name.
    main_name = ''

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = [name for name in ('forward', 'embed', 'decode') if name in vars(cls)]
        if own[:1] == ['forward'] and len(own) > 1:
            raise UserError(
                f'{cls.__name__} implements {" and ".join(own)}: forward is the classifier after '
                f'the embedding, leave one of them out'
            )
        cls.has_own_forward = own == ['forward'] or (cls.has_own_forward and not own)

    def __init__(
        self,
        in_channels: int | Sequence[int],
        channels: int,
        *,
        num_classes: int,
        dropout_ratio: float = 0.1,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = {'type': 'ReLU'},
        in_index: int | Sequence[int] = -1,
        input_transform: str | None = None,
        loss_decode: Mapping[str, Any] | Sequence[Mapping[str, Any]] = {'type': 'CrossEntropyLoss'},
        ignore_index: int = 255,
        sampler: Mapping[str, Any] | None = None,
        align_corners: bool = False,
        init_cfg: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        if not self.has_own_forward and not has_own(self, BaseDecodeHead, 'embed', 'decode'):
            raise UserTypeError(f'{type(self).__name__} implements neither forward nor embed')
        self._init_inputs(in_channels, in_index, input_transform)
        if num_classes < 1 or not 0 <= dropout_ratio < 1:
            raise UserAssertionError(
                f'expected num_classes from 1 and dropout_ratio from 0 to below 1, got '
                f'{num_classes} and {dropout_ratio}'
            )
        self.init_cfg = init_cfg
        self.channels = channels
        self.num_classes = num_classes
        self.dropout_ratio = dropout_ratio
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.act_cfg = act_cfg
        self.ignore_index = ignore_index
        self.align_corners = align_corners
        self.loss_decode = _build_losses(loss_decode)
        self.sampler = None if sampler is None else build_pixel_sampler(sampler, context=self)
        self.conv_seg = nn.Conv2d(channels, num_classes, kernel_size=1)
        self.dropout = nn.Dropout2d(dropout_ratio) if dropout_ratio > 0 else None

    def init_weights(self) -> None:
        """Draw the classifier's weights; the other layers drew theirs when they were made."""
        nn.init.normal_(self.conv_seg.weight, std=0.01)
        if self.conv_seg.bias is not None:
            nn.init.zeros_(self.conv_seg.bias)
        if self.init_cfg is not None:
            initialize(self, copy.deepcopy(self.init_cfg))

    @property
    def layers(self) -> dict[str, Any]:
        """The configs that all layers of a head share."""
        return {'conv_cfg': self.conv_cfg, 'norm_cfg': self.norm_cfg, 'act_cfg': self.act_cfg}

    @property
    def embedding_layer(self) -> nn.Module | None:
        """The layer that the embedding comes out of; None where that can't be told."""
        return None

    @property
    def embed_channels(self) -> int | None:
        """Channels D of the embedding; None for a head that has none."""
        return None if self.has_own_forward else self.channels

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Fuse the backbone's maps.

        Args:
            inputs: Maps (B, C_i, h_i, w_i).

        Returns:
            The embedding (B, D, h, w), before dropout and classifier.

        Raises:
            UserError: The head implements `forward` alone.
        """
        raise UserError(f'{type(self).__name__} has no embedding: it implements forward alone')

    def cls_seg(self, feat: torch.Tensor) -> torch.Tensor:
        """Classify an embedding (B, D, h, w): logits (B, C, h, w)."""
        return self._classify(self.conv_seg, feat)

    def decode(self, inputs: Sequence[torch.Tensor]) -> Decoded:
        """Embed and classify maps (B, C_i, h_i, w_i)."""
        embedding = self.embed(inputs)
        return Decoded(self.cls_seg(embedding), embedding)

    def forward(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Turn maps (B, C_i, h_i, w_i) into logits (B, C, h, w)."""
        return self.decode(inputs).logits

    def decoded(self, inputs: Sequence[torch.Tensor]) -> Decoded:
        """Decode maps (B, C_i, h_i, w_i) the way that this head was written for."""
        return Decoded(self.forward(inputs), None) if self.has_own_forward else self.decode(inputs)

    def forward_train(
        self,
        inputs: Sequence[torch.Tensor],
        img_metas: Sequence[Mapping[str, Any]],
        gt_semantic_seg: torch.Tensor,
        train_cfg: Mapping[str, Any] | None = None,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Decode and measure the losses.

        Args:
            inputs: Maps (B, C_i, h_i, w_i).
            img_metas: Facts about each image; unused here.
            gt_semantic_seg: Labels (B, 1, H, W).
            train_cfg: Settings of training; unused here.
            seg_weight: Weight of each pixel (B, H, W).

        Returns:
            As `decoded_losses`.
        """
        return self.decoded_losses(self.decoded(inputs), gt_semantic_seg, seg_weight)

    def forward_test(
        self,
        inputs: Sequence[torch.Tensor],
        img_metas: Sequence[Mapping[str, Any]],
        test_cfg: Mapping[str, Any] | None = None,
    ) -> torch.Tensor:
        """Decode at test time: logits (B, C, h, w)."""
        return self.forward(inputs)

    def losses(
        self,
        seg_logit: torch.Tensor,
        seg_label: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Measure loss and accuracy at the labels' size.

        Args:
            seg_logit: Logits (B, C, h, w).
            seg_label: Labels (B, 1, H, W).
            seg_weight: Weight of each pixel (B, H, W).

        Returns:
            'loss_seg', a scalar, or one for each of several losses under its name, and 'acc_seg',
            a percentage of shape (1,).
        """
        seg_logit = self.upsample(seg_logit, seg_label.shape[2:])
        if self.sampler is not None:
            sampled = self.sampler.sample(seg_logit, seg_label)
            seg_weight = sampled if seg_weight is None else seg_weight * sampled
        label = seg_label.squeeze(1)
        values: dict[str, Any] = {}
        for name, criterion in self._losses():
            loss = criterion(seg_logit, label, weight=seg_weight, ignore_index=self.ignore_index)
            values[name] = values[name] + loss if name in values else loss
        values['acc_seg'] = accuracy(seg_logit.detach(), label)
        return values

    def decoded_losses(
        self,
        decoded: Decoded,
        seg_label: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Measure loss and accuracy of all logits; see `losses` for the arguments.

        Returns:
            As `losses`, for the main logits under `main_name` and for each branch under its name,
            followed by a dot.
        """
        losses: dict[str, torch.Tensor] = {}
        for name, logits in ((self.main_name, decoded.logits), *decoded.branches.items()):
            prefix = f'{name}.' if name else ''
            weights = () if seg_weight is None else (seg_weight,)
            values = self.losses(logits, seg_label, *weights)
            losses |= {f'{prefix}{key}': value for key, value in values.items()}
        return losses

    def upsample(self, maps: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
        """Bring maps (B, *, h, w) to `size` bilinearly; nothing is copied at the same size."""
        if maps.shape[2:] == tuple(size):
            return maps
        return resize(maps, size=size, mode='bilinear', align_corners=self.align_corners)

    def _losses(self) -> list[tuple[str, nn.Module]]:
        """The losses under the names that their values carry."""
        if not isinstance(self.loss_decode, nn.ModuleList):
            return [('loss_seg', self.loss_decode)]
        return [(str(criterion.loss_name), criterion) for criterion in self.loss_decode]

    def _classify(self, classifier: nn.Module, feat: torch.Tensor) -> torch.Tensor:
        logits = classifier(feat if self.dropout is None else self.dropout(feat))
        # Losses need float32, and upsampling half precision would round once more.
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def _init_inputs(
        self,
        in_channels: Any,
        in_index: Any,
        input_transform: str | None,
    ) -> None:
        """Check which maps are the inputs, and note it."""
        _check_inputs(in_channels, in_index, input_transform)
        self.input_transform = input_transform
        self.in_index = in_index
        self.in_channels = sum(in_channels) if input_transform == 'resize_concat' else in_channels

    def _transform_inputs(self, inputs: Sequence[torch.Tensor]) -> Any:
        """Choose the head's inputs among the backbone's maps: one, or a list."""
        indices = [self.in_index] if self.input_transform is None else self.in_index
        chosen = [inputs[index] for index in indices]
        self._check_channels([maps.shape[1] for maps in chosen])
        if self.input_transform is None:
            return chosen[0]
        if self.input_transform == 'multiple_select':
            return chosen
        return torch.cat([self.upsample(maps, chosen[0].shape[2:]) for maps in chosen], dim=1)

    def _check_channels(self, found: list[int]) -> None:
        in_channels = self.in_channels
        expected = [in_channels] if isinstance(in_channels, int) else list(in_channels)
        if (found if len(found) == len(expected) else [sum(found)]) != expected:
            raise UserError(
                f'{type(self).__name__} and the encoder do not go together: in_channels is '
                f'{in_channels}, the maps have {", ".join(map(str, found))} channels'
            )


def _build_losses(cfg: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> nn.Module:
    if isinstance(cfg, Mapping):
        return build_loss(cfg)
    losses = nn.ModuleList(build_loss(each) for each in cfg)
    # What counts is found by its name.
    wrong = [loss.loss_name for loss in losses if 'loss' not in str(loss.loss_name)]
    if wrong or not losses:
        raise UserError(
            "loss_decode: expected at least one loss, and names with 'loss' in them (loss_name), "
            f'got {wrong}'
        )
    return losses


def _check_inputs(
    in_channels: int | Sequence[int], in_index: int | Sequence[int], input_transform: str | None
) -> None:
    given = f'in_channels={in_channels}, in_index={in_index}, input_transform={input_transform!r}'
    if input_transform not in (None, 'resize_concat', 'multiple_select'):
        raise UserAssertionError(
            f"expected input_transform 'resize_concat' or 'multiple_select': {given}"
        )
    if input_transform is None:
        if not (isinstance(in_channels, int) and isinstance(in_index, int)):
            raise UserAssertionError(f'expected single numbers without an input_transform: {given}')
    elif isinstance(in_channels, int) or isinstance(in_index, int):
        raise UserAssertionError(f'expected lists with an input_transform: {given}')
    elif len(in_channels) != len(in_index):
        raise UserAssertionError(f'expected as many in_channels as in_index: {given}')
