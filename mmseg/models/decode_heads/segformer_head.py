"""SegFormer's head: linear layers alone (Xie et al., NeurIPS 2021, section 3.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.core.building import nearest
from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.linear_embedding import LinearEmbedding
from mmseg.utils.errors import UserError

_DECODER_PARAMS = ('embed_dim', 'conv_kernel_size')


@HEADS.register_module()
class SegFormerHead(BaseDecodeHead):
    """Embed every stage linearly, bring all to the first one's size, fuse and classify them.

    The classifier is `linear_pred`. `conv_seg`, with `channels` inputs, is only there because
    released checkpoints hold it; it is not used and does not learn.

    Args:
        decoder_params: `embed_dim` (channels D of every embedded stage and of the embedding) and
            `conv_kernel_size` (of the layer that fuses).
        **kwargs: Settings of `BaseDecodeHead`.
    """

    def __init__(self, decoder_params: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(input_transform='multiple_select', **kwargs)
        _check_decoder_params(decoder_params)
        dim, kernel_size = (decoder_params[name] for name in _DECODER_PARAMS)
        self.linear_c = nn.ModuleDict(
            {
                str(index): LinearEmbedding(in_channels, dim)
                for index, in_channels in zip(self.in_index, self.in_channels, strict=True)
            }
        )
        self.linear_fuse = ConvModule(
            dim * len(self.in_index),
            dim,
            kernel_size,
            padding=kernel_size // 2,
            norm_cfg=self.norm_cfg,
        )
        self.linear_pred = nn.Conv2d(dim, self.num_classes, kernel_size=1)
        self.conv_seg.requires_grad_(False)

    @property
    def embed_channels(self) -> int:
        """Channels D of the embedding."""
        return self.linear_pred.in_channels

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class."""
        return self.linear_fuse

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Fuse the stages; see the base class."""
        chosen = self._transform_inputs(inputs)
        layers = self.linear_c.values()
        embedded = [
            self.upsample(layer(maps), chosen[0].shape[2:])
            for layer, maps in zip(layers, chosen, strict=True)
        ]
        return self.linear_fuse(torch.cat(embedded, dim=1))

    def cls_seg(self, feat: torch.Tensor) -> torch.Tensor:
        """Classify an embedding (B, D, h, w): logits (B, C, h, w)."""
        return self._classify(self.linear_pred, feat)


def _check_decoder_params(params: Mapping[str, Any]) -> None:
    for name in sorted(set(params) - set(_DECODER_PARAMS)):
        raise UserError(f'decoder_params has no setting {name!r}; {nearest(name, _DECODER_PARAMS)}')
    for name in _DECODER_PARAMS:
        if name not in params:
            raise UserError(f'decoder_params lacks {name!r}; it holds {", ".join(sorted(params))}')
