"""The blocks of residual networks (He et al., CVPR 2016; Xie et al., CVPR 2017).

Legend: B images, C channels. A block's planes are its inner channels; it puts out planes times
its expansion.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmcv.cnn import build_conv_layer, build_norm_layer, build_plugin_layer
from torch import nn
from torch.utils.checkpoint import checkpoint

from mmseg.utils.errors import UserAssertionError, UserError

Config = Mapping[str, Any]
PLUGIN_POSITIONS = ('after_conv1', 'after_conv2', 'after_conv3')


class ResidualBlock(nn.Module):
    """Base of blocks: what `residual` computes is added to what came in.

    Subclasses set `downsample`, which brings what came in to the shape of the residual (None where
    they agree), after their convolutions: the order of parameters is that of released checkpoints.

    Args:
        with_cp: Whether the residual is computed again in the backward pass instead of kept.
    """

    expansion: ClassVar[int]
    downsample: nn.Module | None
    norm1_name: str
    norm2_name: str
    norm3_name: str

    def __init__(self, with_cp: bool) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.relu = nn.ReLU(inplace=True)

    @property
    def last_norm(self) -> Any:
        """The norm layer whose scale is the residual's."""
        raise NotImplementedError

    def add_norm(self, number: int, channels: int, norm_cfg: Config) -> None:
        """Add the norm layer after convolution `number`, under the name mmsegmentation gives it."""
        name, norm = build_norm_layer(dict(norm_cfg), channels, postfix=number)
        self.add_module(name, norm)
        setattr(self, f'norm{number}_name', name)

    @property
    def norm1(self) -> nn.Module:
        """The norm layer after the first convolution."""
        return getattr(self, self.norm1_name)

    @property
    def norm2(self) -> nn.Module:
        """The norm layer after the second convolution."""
        return getattr(self, self.norm2_name)

    @property
    def norm3(self) -> nn.Module:
        """The norm layer after the third convolution."""
        return getattr(self, self.norm3_name)

    def norm(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """Apply the norm layer after convolution `number`."""
        return getattr(self, getattr(self, f'norm{number}_name'))(x)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """Compute what is added to x."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, C, h, w) to (B, C', h', w')."""
        if self.with_cp and x.requires_grad:
            residual = checkpoint(self.residual, x, use_reentrant=False)
        else:
            residual = self.residual(x)
        return self.relu(residual + (x if self.downsample is None else self.downsample(x)))


class BasicBlock(ResidualBlock):
    """Two 3×3 convolutions, of ResNet-18 and 34; the arguments are those of `Bottleneck`."""

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = 'pytorch',
        with_cp: bool = False,
        conv_cfg: Config | None = None,
        norm_cfg: Mapping[str, Any] = {'type': 'BN'},
        dcn: Config | None = None,
        plugins: Sequence[Config] = (),
    ) -> None:
        super().__init__(with_cp)
        if dcn is not None or plugins:
            raise UserAssertionError(
                'blocks of depth 18 and 34 take neither dcn nor plugins: use depth 50'
            )
        self.conv1 = build_conv_layer(
            conv_cfg,
            in_channels,
            planes,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        self.add_norm(1, planes, norm_cfg)
        self.conv2 = build_conv_layer(conv_cfg, planes, planes, 3, padding=1, bias=False)
        self.add_norm(2, planes, norm_cfg)
        self.downsample = downsample

    @property
    def last_norm(self) -> Any:
        """See the base class."""
        return getattr(self, str(self.norm2_name))

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        x = self.relu(self.norm(1, self.conv1(x)))
        return self.norm(2, self.conv2(x))


class Bottleneck(ResidualBlock):
    """Convolutions of 1×1, 3×3 and 1×1, the one in the middle perhaps in groups.

    Args:
        in_channels: Channels coming in.
        planes: Inner channels; 4 times as many go out.
        stride: Stride of the block.
        dilation: Dilation of the 3×3 convolution.
        downsample: The shortcut; None where it is the identity.
        style: Which convolution has the stride: the 3×3 one ('pytorch') or the first ('caffe').
        with_cp: See the base class.
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.
        dcn: Config of a convolution that takes the place of the 3×3 one, unless its
            `fallback_on_stride` says that this stays.
        plugins: Configs of layers, each with `cfg` and `position`: after which convolution.
        groups: Groups of the 3×3 convolution (ResNeXt's cardinality).
        base_width: Channels of a group where `planes` equals `base_channels`.
        base_channels: Planes of the network's first stage.
    """

    expansion = 4
    has_norm2 = True

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = 'pytorch',
        with_cp: bool = False,
        conv_cfg: Config | None = None,
        norm_cfg: Mapping[str, Any] = {'type': 'BN'},
        dcn: Config | None = None,
        plugins: Sequence[Config] = (),
        groups: int = 1,
        base_width: int = 4,
        base_channels: int = 64,
    ) -> None:
        super().__init__(with_cp)
        width = planes
        if groups > 1:
            width = math.floor(planes * (base_width / base_channels)) * groups
        strides = (1, stride) if style == 'pytorch' else (stride, 1)
        self.conv1 = build_conv_layer(
            conv_cfg, in_channels, width, 1, stride=strides[0], bias=False
        )
        self.add_norm(1, width, norm_cfg)
        middle_cfg = conv_cfg
        if dcn is not None and not dcn.get('fallback_on_stride', False):
            middle_cfg = {key: dcn[key] for key in dcn if key != 'fallback_on_stride'}
        self.add_conv2(middle_cfg, width, strides[1], dilation, groups)
        if self.has_norm2:
            self.add_norm(2, width, norm_cfg)
        self.conv3 = build_conv_layer(conv_cfg, width, planes * self.expansion, 1, bias=False)
        self.add_norm(3, planes * self.expansion, norm_cfg)
        self.downsample = downsample
        widths = (width, width, planes * self.expansion)
        self.plugin_names = [
            self._add_plugins(plugins, position, channels)
            for position, channels in zip(PLUGIN_POSITIONS, widths, strict=True)
        ]

    def add_conv2(
        self, conv_cfg: Config | None, width: int, stride: int, dilation: int, groups: int
    ) -> None:
        """Add the convolution in the middle; the arguments are those of the class."""
        self.conv2 = build_conv_layer(
            conv_cfg,
            width,
            width,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            groups=groups,
            bias=False,
        )

    @property
    def last_norm(self) -> Any:
        """See the base class."""
        return getattr(self, str(self.norm3_name))

    def middle(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the convolution in the middle with its norm and activation."""
        return self.relu(self.norm(2, self.conv2(x)))

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        x = self._plugged(0, self.relu(self.norm(1, self.conv1(x))))
        x = self._plugged(1, self.middle(x))
        return self._plugged(2, self.norm(3, self.conv3(x)))

    def _add_plugins(self, plugins: Sequence[Config], position: str, channels: int) -> list[str]:
        names = []
        for plugin in plugins:
            if plugin['position'] == position:
                cfg = dict(plugin['cfg'])
                name, layer = build_plugin_layer(
                    cfg, in_channels=channels, postfix=cfg.pop('postfix', '')
                )
                if hasattr(self, name):
                    raise UserError(f'two plugins are named {name!r}: give them a postfix')
                self.add_module(name, layer)
                names.append(name)
        return names

    def _plugged(self, position: int, x: torch.Tensor) -> torch.Tensor:
        for name in self.plugin_names[position]:
            x = getattr(self, name)(x)
        return x
