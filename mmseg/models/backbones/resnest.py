"""ResNeSt: residual blocks with attention over splits of their channels (Zhang et al., 2020).

Legend: B images, C channels, R the radix (how many splits), K the cardinality (groups).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from mmcv.cnn import build_conv_layer, build_norm_layer
from torch import nn

from mmseg.models.backbones.resnet import ResNetV1d
from mmseg.models.backbones.resnet_blocks import Bottleneck, Config, ResidualBlock
from mmseg.models.builder import BACKBONES
from mmseg.ops import normed
from mmseg.utils.errors import UserError


class SplitAttention(nn.Module):
    """A 3×3 convolution into R maps, which are then mixed channel by channel (figure 2, right).

    Args:
        channels: Channels C in and out.
        stride: Stride of the convolution.
        dilation: Dilation of the convolution.
        groups: Cardinality K.
        radix: R; with 1 the map is weighed by itself, through a sigmoid.
        reduction_factor: By how much the hidden layer of the attention is narrower than C·R.
        conv_cfg: Config of the convolution.
        norm_cfg: Config of norm layers.
    """

    def __init__(
        self,
        channels: int,
        stride: int,
        dilation: int,
        groups: int,
        radix: int,
        reduction_factor: int,
        conv_cfg: Config | None,
        norm_cfg: Config,
    ) -> None:
        super().__init__()
        hidden = max(channels * radix // reduction_factor, 32)
        self.radix = radix
        self.groups = groups
        self.conv = build_conv_layer(
            conv_cfg,
            channels,
            channels * radix,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            groups=groups * radix,
            bias=False,
        )
        self.norm0_name, norm0 = build_norm_layer(dict(norm_cfg), channels * radix, postfix=0)
        self.add_module(self.norm0_name, norm0)
        self.fc1 = nn.Conv2d(channels, hidden, 1, groups=groups)
        self.norm1_name, norm1 = build_norm_layer(dict(norm_cfg), hidden, postfix=1)
        self.add_module(self.norm1_name, norm1)
        self.fc2 = nn.Conv2d(hidden, channels * radix, 1, groups=groups)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, C, h, w) to (B, C, h', w')."""
        x = self.relu(getattr(self, self.norm0_name)(self.conv(x)))
        splits = x.unflatten(1, (self.radix, -1))
        pooled = F.adaptive_avg_pool2d(splits.sum(dim=1), 1)
        hidden = self.relu(normed(getattr(self, self.norm1_name), self.fc1(pooled)))
        # (B, K, R, C/K, 1, 1): groups hold the splits, not the other way round
        scores = self.fc2(hidden).unflatten(1, (self.groups, self.radix, -1))
        weights = scores.softmax(dim=2) if self.radix > 1 else scores.sigmoid()
        return (weights.transpose(1, 2).flatten(2, 3) * splits).sum(dim=1)


class SplitAttentionBottleneck(Bottleneck):
    """`Bottleneck` around `SplitAttention`; a stride is taken by an average after it.

    Args:
        *args: As `Bottleneck`.
        radix: See `SplitAttention`.
        reduction_factor: See `SplitAttention`.
        avg_down_stride: Whether the stride is taken by an average instead of the convolution.
        **kwargs: As `Bottleneck`.
    """

    has_norm2 = False

    def __init__(
        self,
        *args: Any,
        radix: int = 2,
        reduction_factor: int = 4,
        avg_down_stride: bool = True,
        norm_cfg: Mapping[str, Any] = {'type': 'BN'},
        **kwargs: Any,
    ) -> None:
        self._split_settings = (radix, reduction_factor)
        self._avg_down_stride = avg_down_stride
        self._norm_cfg = norm_cfg
        super().__init__(*args, **{**kwargs, 'norm_cfg': norm_cfg})

    def add_conv2(
        self, conv_cfg: Config | None, width: int, stride: int, dilation: int, groups: int
    ) -> None:
        """See the base class."""
        averaged = self._avg_down_stride and stride > 1
        self.conv2 = SplitAttention(
            width,
            1 if averaged else stride,
            dilation,
            groups,
            *self._split_settings,
            conv_cfg,
            self._norm_cfg,
        )
        self.pool = nn.AvgPool2d(3, stride, padding=1) if averaged else None

    def middle(self, x: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        x = self.conv2(x)
        return x if self.pool is None else self.pool(x)


@BACKBONES.register_module()
class ResNeSt(ResNetV1d):
    """ResNeSt-50, 101, 152 and 200; parameters are named as in mmsegmentation 0.16.

    Args:
        groups: Cardinality K.
        base_width: Channels of a group in the first stage, with several groups.
        radix: Splits R of every 3×3 convolution.
        reduction_factor: By how much the hidden layer of the attention is narrower than C·R.
        avg_down_stride: Whether strides are taken by an average instead of the convolution.
        **kwargs: Settings of `ResNet`; stem_channels is 64 for ResNeSt-50 and 128 for the others.
    """

    arch_settings: ClassVar[Mapping[int, tuple[type[ResidualBlock], tuple[int, ...]]]] = {
        50: (SplitAttentionBottleneck, (3, 4, 6, 3)),
        101: (SplitAttentionBottleneck, (3, 4, 23, 3)),
        152: (SplitAttentionBottleneck, (3, 8, 36, 3)),
        200: (SplitAttentionBottleneck, (3, 24, 36, 3)),
    }

    def __init__(
        self,
        groups: int = 1,
        base_width: int = 4,
        radix: int = 2,
        reduction_factor: int = 4,
        avg_down_stride: bool = True,
        **kwargs: Any,
    ) -> None:
        if radix < 1:
            raise UserError(f'radix is {radix}; expected at least 1')
        self._settings = {
            'groups': groups,
            'base_width': base_width,
            'radix': radix,
            'reduction_factor': reduction_factor,
            'avg_down_stride': avg_down_stride,
        }
        super().__init__(**kwargs)

    def block_settings(self, base_channels: int) -> dict[str, Any]:
        """See the base class."""
        return {'base_channels': base_channels, **self._settings}
