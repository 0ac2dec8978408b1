"""DAFormer's context-aware feature fusion (Hoyer et al., CVPR 2022, section 3.3).

Legend: B images, D embedding channels of an input, h×w the size of the first input.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.core.building import call_checked, nearest
from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.aspp import ASPPWrapper
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.interlaced_attention import InterlacedFusion
from mmseg.models.decode_heads.linear_embedding import LinearEmbedding
from mmseg.utils.errors import UserAssertionError, UserError
from mmseg.utils.logger import get_root_logger


def _conv(
    in_channels: int,
    channels: int,
    kernel_size: int,
    norm_cfg: Mapping[str, Any] | None = None,
    act_cfg: Mapping[str, Any] | None = {'type': 'ReLU'},
) -> nn.Module:
    return ConvModule(
        in_channels,
        channels,
        kernel_size,
        padding=kernel_size // 2,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
    )


def _raw_conv_and_aspp(
    in_channels: int, channels: int, kernel_size: int, **aspp_cfg: Any
) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel_size, padding=kernel_size // 2),
        call_checked(ASPPWrapper, {'in_channels': channels, 'channels': channels, **aspp_cfg}),
    )


_LAYERS: dict[str, Callable[..., nn.Module]] = {
    'mlp': LinearEmbedding,
    'conv': _conv,
    'aspp': ASPPWrapper,
    'rawconv_and_aspp': _raw_conv_and_aspp,
    'isa': InterlacedFusion,
}


def build_layer(in_channels: int, channels: int, type: str, **settings: Any) -> nn.Module:
    """Build a layer of the decoder.

    Args:
        in_channels: Channels coming in.
        channels: Channels going out.
        type: 'mlp', 'conv', 'aspp', 'rawconv_and_aspp' or 'isa'.
        **settings: The layer's own settings.

    Returns:
        A module that maps (B, in_channels, h, w) to (B, channels, h, w).

    Raises:
        UserError: There is no such layer, or it has no such setting.
    """
    if type not in _LAYERS:
        raise UserError(f'there is no decoder layer {type!r}; available: {", ".join(_LAYERS)}')
    return call_checked(
        _LAYERS[type], {'in_channels': in_channels, 'channels': channels, **settings}
    )


@HEADS.register_module()
class DAFormerHead(BaseDecodeHead):
    """Embed every stage, bring all to the first one's size, fuse them (section 3.3, fig. 3).

    Args:
        decoder_params: `embed_dims` (channels of each embedded stage, a number or a list),
            `embed_cfg` (layer of all stages but the last), `embed_neck_cfg` (layer of the last;
            'same_as_embed_cfg' for the same) and `fusion_cfg` (layer that fuses).
        **kwargs: Settings of `BaseDecodeHead`.
    """

    def __init__(self, decoder_params: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(input_transform='multiple_select', **kwargs)
        _check_decoder_params(decoder_params)
        self._check_norm(decoder_params)
        dims = decoder_params['embed_dims']
        dims = [dims] * len(self.in_index) if isinstance(dims, int) else list(dims)
        if len(dims) != len(self.in_index):
            raise UserAssertionError(f'{len(dims)} embed_dims for {len(self.in_index)} inputs')
        layer_cfgs = [decoder_params['embed_cfg']] * len(dims)
        neck_cfg = decoder_params.get('embed_neck_cfg', 'same_as_embed_cfg')
        if neck_cfg != 'same_as_embed_cfg':
            layer_cfgs[-1] = neck_cfg
        self.embed_layers = nn.ModuleDict(
            {
                str(index): build_layer(in_channels, dim, **self._aligned(cfg))
                for index, in_channels, dim, cfg in zip(
                    self.in_index, self.in_channels, dims, layer_cfgs, strict=True
                )
            }
        )
        fusion_cfg = self._aligned(decoder_params['fusion_cfg'])
        self.fuse_layer = build_layer(sum(dims), self.channels, **fusion_cfg)

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class."""
        layer = (
            self.fuse_layer[-1] if isinstance(self.fuse_layer, nn.Sequential) else self.fuse_layer
        )
        return getattr(layer, 'output_layer', layer)

    def _check_norm(self, decoder_params: Mapping[str, Any]) -> None:
        parts = [cfg for cfg in decoder_params.values() if isinstance(cfg, Mapping)]
        if self.norm_cfg not in (None, *(cfg.get('norm_cfg') for cfg in parts)):
            get_root_logger().warning(
                f'decode_head.norm_cfg={dict(self.norm_cfg or {})} is read by nobody: the layers '
                'of DAFormerHead have the norm_cfg in decoder_params'
            )

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Fuse the stages; see the base class."""
        chosen = self._transform_inputs(inputs)
        layers = self.embed_layers.values()
        embedded = [
            self.upsample(layer(maps), chosen[0].shape[2:])
            for layer, maps in zip(layers, chosen, strict=True)
        ]
        return self.fuse_layer(torch.cat(embedded, dim=1))

    def _aligned(self, layer_cfg: Mapping[str, Any]) -> dict[str, Any]:
        """Let layers that resize follow the head's `align_corners`."""
        if layer_cfg.get('type') in ('aspp', 'rawconv_and_aspp'):
            return {'align_corners': self.align_corners, **layer_cfg}
        return dict(layer_cfg)


def _check_decoder_params(params: Mapping[str, Any]) -> None:
    needed = {'embed_dims', 'embed_cfg', 'fusion_cfg'}
    known = needed | {'embed_neck_cfg'}
    for name in sorted(needed - set(params)):
        raise UserError(f'decoder_params lacks {name!r}; it holds {", ".join(sorted(params))}')
    for name in sorted(set(params) - known):
        raise UserError(f'decoder_params has no setting {name!r}; {nearest(name, known)}')
