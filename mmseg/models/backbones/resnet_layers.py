"""What residual networks are put together from: stem, stages, plugins."""

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import build_conv_layer, build_norm_layer
from torch import nn

from mmseg.core.building import nearest
from mmseg.models.backbones.resnet_blocks import PLUGIN_POSITIONS, Config
from mmseg.utils.errors import UserError

_PLUGIN_SETTINGS = ('cfg', 'position', 'stages')


def make_stem(
    in_channels: int, channels: int, conv_cfg: Config | None, norm_cfg: Config
) -> nn.Sequential:
    """Make the deep stem: three 3×3 convolutions, the first of stride 2 (He et al., CVPR 2019).

    Args:
        in_channels: Channels of the image.
        channels: Channels going out; half as many in between.
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.

    Returns:
        A module that maps (B, in_channels, H, W) to (B, channels, H/2, W/2).
    """
    layers: list[nn.Module] = []
    half = channels // 2
    for inner, outer, stride in ((in_channels, half, 2), (half, half, 1), (half, channels, 1)):
        conv = build_conv_layer(conv_cfg, inner, outer, 3, stride=stride, padding=1, bias=False)
        norm = build_norm_layer(dict(norm_cfg), outer)[1]
        layers += [conv, norm, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def make_stage(
    block: type[Any],
    in_channels: int,
    planes: int,
    strides: Sequence[int],
    dilations: Sequence[int],
    avg_down: bool,
    conv_cfg: Config | None,
    norm_cfg: Config,
    **settings: Any,
) -> nn.Sequential:
    """Make the blocks of a stage.

    Args:
        block: Class of the blocks.
        in_channels: Channels coming in.
        planes: Inner channels of the blocks.
        strides: Stride of each block; all but the first are 1.
        dilations: Dilation of each block.
        avg_down: Whether the shortcut averages instead of skipping pixels.
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.
        **settings: Further settings of every block.

    Returns:
        A module that maps (B, in_channels, h, w) to (B, planes * expansion, h', w').
    """
    channels = planes * block.expansion
    blocks = []
    for stride, dilation in zip(strides, dilations, strict=True):
        downsample = None
        if stride != 1 or in_channels != channels:
            downsample = _shortcut(in_channels, channels, stride, avg_down, conv_cfg, norm_cfg)
        blocks.append(
            block(
                in_channels,
                planes,
                stride,
                dilation,
                downsample,
                conv_cfg=conv_cfg,
                norm_cfg=norm_cfg,
                **settings,
            )
        )
        in_channels = channels
    return nn.Sequential(*blocks)


def _shortcut(
    in_channels: int,
    channels: int,
    stride: int,
    avg_down: bool,
    conv_cfg: Config | None,
    norm_cfg: Config,
) -> nn.Sequential:
    layers: list[nn.Module] = []
    if avg_down:
        layers.append(nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False))
        stride = 1
    layers.append(build_conv_layer(conv_cfg, in_channels, channels, 1, stride=stride, bias=False))
    layers.append(build_norm_layer(dict(norm_cfg), channels)[1])
    return nn.Sequential(*layers)


def stage_plugins(plugins: Sequence[Config], stage: int, num_stages: int) -> list[Config]:
    """Choose the plugins of a stage.

    Args:
        plugins: Configs with `cfg`, `position` and perhaps `stages`: a flag for each stage.
        stage: Number of the stage, from 0.
        num_stages: How many stages there are.

    Returns:
        The configs of this stage's plugins.

    Raises:
        UserError: A plugin's settings are wrong.
    """
    chosen = []
    for plugin in plugins:
        for name in sorted(set(plugin) - set(_PLUGIN_SETTINGS)):
            raise UserError(f'a plugin has no setting {name!r}; {nearest(name, _PLUGIN_SETTINGS)}')
        if plugin.get('position') not in PLUGIN_POSITIONS or 'cfg' not in plugin:
            raise UserError(
                f'a plugin needs cfg and a position ({", ".join(PLUGIN_POSITIONS)}): {plugin}'
            )
        stages = plugin.get('stages') or (True,) * num_stages
        if len(stages) != num_stages:
            raise UserError(f'a plugin has {len(stages)} stages where there are {num_stages}')
        if stages[stage]:
            chosen.append(plugin)
    return chosen
