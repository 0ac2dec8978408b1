"""ResNet (He et al., CVPR 2016), plain or dilated, and its variants with a deep stem."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmcv.cnn import CONV_LAYERS, build_conv_layer, build_norm_layer
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.models.backbones.pretrained import load_pretrained
from mmseg.models.backbones.resnet_blocks import BasicBlock, Bottleneck, ResidualBlock
from mmseg.models.backbones.resnet_layers import make_stage, make_stem, stage_plugins
from mmseg.models.builder import BACKBONES
from mmseg.utils.errors import UserAssertionError, UserError, UserKeyError
from mmseg.utils.overrides import RefusesOverrides


@BACKBONES.register_module()
class ResNet(RefusesOverrides, nn.Module):
    """ResNet with up to four stages; the arguments are those of mmsegmentation 0.16.

    Args:
        depth: 18, 34, 50, 101 or 152.
        in_channels: Channels of the image.
        stem_channels: Channels of the stem.
        base_channels: Inner channels of the first stage; every stage has twice as many.
        num_stages: How many stages are built, 1 to 4.
        strides: Stride of each stage.
        dilations: Dilation of each stage.
        out_indices: Stages whose maps are put out.
        style: Which convolution has the stride: the 3×3 one ('pytorch') or the first ('caffe').
        deep_stem: Whether three 3×3 convolutions take the place of the 7×7 one.
        avg_down: Whether shortcuts average instead of skipping pixels.
        frozen_stages: The stem and this many stages keep their weights; -1 for none, 0 for the
            stem alone.
        conv_cfg: Config of convolutions.
        norm_cfg: Config of norm layers.
        norm_eval: Whether BatchNorm keeps its statistics in training.
        dcn: Config of deformable convolutions; mmcv's compiled operator must be there.
        stage_with_dcn: Which stages have them.
        plugins: Layers in between: each a dict of `cfg`, `position` ('after_conv1', 'after_conv2'
            or 'after_conv3') and perhaps `stages`, a flag for each stage.
        multi_grid: Dilation of each block of the last stage.
        contract_dilation: Whether the first block of a dilated stage has half the dilation.
        with_cp: Whether activations are computed again in the backward pass, to save memory.
        zero_init_residual: Whether blocks begin as the identity, without pretrained weights.
        pretrained: Weights that `init_weights` loads.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ('make_res_layer', 'make_stage_plugins'),
        'override block_settings, or set arch_settings to blocks of your own',
    )
    arch_settings: ClassVar[Mapping[int, tuple[type[ResidualBlock], tuple[int, ...]]]] = {
        18: (BasicBlock, (2, 2, 2, 2)),
        34: (BasicBlock, (3, 4, 6, 3)),
        50: (Bottleneck, (3, 4, 6, 3)),
        101: (Bottleneck, (3, 4, 23, 3)),
        152: (Bottleneck, (3, 8, 36, 3)),
    }

    def __init__(
        self,
        depth: int,
        in_channels: int = 3,
        stem_channels: int = 64,
        base_channels: int = 64,
        num_stages: int = 4,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        style: str = 'pytorch',
        deep_stem: bool = False,
        avg_down: bool = False,
        frozen_stages: int = -1,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] = {'type': 'BN', 'requires_grad': True},
        norm_eval: bool = False,
        dcn: Mapping[str, Any] | None = None,
        stage_with_dcn: Sequence[bool] = (False, False, False, False),
        plugins: Sequence[Mapping[str, Any]] | None = None,
        multi_grid: Sequence[int] | None = None,
        contract_dilation: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        _check(self.arch_settings, depth, num_stages, strides, dilations, out_indices, style)
        _check_dcn(dcn, stage_with_dcn, num_stages)
        self.out_indices = tuple(out_indices)
        self.num_stages = num_stages
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.zero_init_residual = zero_init_residual
        self.pretrained = pretrained
        self.is_pretrained = False
        self.deep_stem = deep_stem
        self.conv_cfg, self.norm_cfg = conv_cfg, norm_cfg
        self._make_stem_layer(in_channels, stem_channels)
        block, depths = self.arch_settings[depth]
        self.out_channels = tuple(base_channels * 2**i * block.expansion for i in self.out_indices)
        inner = stem_channels
        for stage in range(num_stages):
            last = stage == num_stages - 1
            layer = make_stage(
                block,
                inner,
                base_channels * 2**stage,
                (strides[stage], *(1,) * (depths[stage] - 1)),
                _block_dilations(
                    dilations[stage],
                    depths[stage],
                    contract_dilation,
                    multi_grid if last else None,
                ),
                avg_down,
                conv_cfg,
                norm_cfg,
                style=style,
                with_cp=with_cp,
                dcn=dcn if dcn is not None and stage_with_dcn[stage] else None,
                plugins=stage_plugins(plugins or (), stage, num_stages),
                **self.block_settings(base_channels),
            )
            self.add_module(f'layer{stage + 1}', layer)
            inner = base_channels * 2**stage * block.expansion
        self._freeze_stages()

    @property
    def norm1(self) -> nn.Module:
        """The norm layer of a stem that is not deep."""
        return getattr(self, self.norm1_name)

    @property
    def res_layers(self) -> list[str]:
        """The names of the stages."""
        return [f'layer{stage + 1}' for stage in range(self.num_stages)]

    def block_settings(self, base_channels: int) -> dict[str, Any]:
        """Return settings that only the blocks of this network have."""
        return {}

    def init_weights(self) -> None:
        """Load the pretrained weights, or draw random ones where there are none."""
        self.is_pretrained = load_pretrained(self, self.pretrained, drop=('fc.',))
        if self.is_pretrained:
            return
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
            elif isinstance(module, (_BatchNorm, nn.GroupNorm)):
                nn.init.ones_(module.weight)
            else:
                continue
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if self.zero_init_residual:
            for module in self.modules():
                if isinstance(module, ResidualBlock):
                    nn.init.zeros_(module.last_norm.weight)

    def forward(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract features.

        Args:
            img: Normalised images (B, 3, H, W).

        Returns:
            A map (B, C_i, ceil(H/s), ceil(W/s)) of each stage in `out_indices`; s is 4 times the
            product of the strides up to it.
        """
        if self.deep_stem:
            x = self.stem(img)
        else:
            x = self.relu(getattr(self, self.norm1_name)(self.conv1(img)))
        x = self.maxpool(x)
        features = []
        for stage in range(self.num_stages):
            x = getattr(self, f'layer{stage + 1}')(x)
            if stage in self.out_indices:
                features.append(x)
        return features

    def train(self, mode: bool = True) -> 'ResNet':
        """Set the mode; frozen stages, and with `norm_eval` all BatchNorm, stay in eval mode."""
        super().train(mode)
        self._freeze_stages()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        if self.deep_stem:
            self.stem = make_stem(in_channels, stem_channels, self.conv_cfg, self.norm_cfg)
        else:
            self.conv1 = build_conv_layer(
                self.conv_cfg, in_channels, stem_channels, 7, stride=2, padding=3, bias=False
            )
            self.norm1_name, norm = build_norm_layer(dict(self.norm_cfg), stem_channels, postfix=1)
            self.add_module(self.norm1_name, norm)
            self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def _freeze_stages(self) -> None:
        if self.frozen_stages < 0:
            return
        stem = [self.stem] if self.deep_stem else [self.conv1, getattr(self, self.norm1_name)]
        stages = [getattr(self, f'layer{stage + 1}') for stage in range(self.frozen_stages)]
        for module in (*stem, *stages):
            module.eval().requires_grad_(False)


@BACKBONES.register_module()
class ResNetV1c(ResNet):
    """ResNet with the deep stem (He et al., CVPR 2019, figure 2)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, 'deep_stem': True, 'avg_down': False})


@BACKBONES.register_module()
class ResNetV1d(ResNet):
    """ResNet with the deep stem and averaging shortcuts (He et al., CVPR 2019, figure 2)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, 'deep_stem': True, 'avg_down': True})


def _block_dilations(
    dilation: int, depth: int, contract: bool, multi_grid: Sequence[int] | None
) -> tuple[int, ...]:
    if multi_grid is not None:
        if len(multi_grid) != depth:
            raise UserError(f'multi_grid has {len(multi_grid)} entries for {depth} blocks')
        return tuple(multi_grid)
    first = dilation // 2 if contract and dilation > 1 else dilation
    return (first, *(dilation,) * (depth - 1))


def _check(
    arch_settings: Mapping[int, Any],
    depth: int,
    num_stages: int,
    strides: Sequence[int],
    dilations: Sequence[int],
    out_indices: Sequence[int],
    style: str,
) -> None:
    if depth not in arch_settings:
        raise UserKeyError(
            f'there is no depth {depth}; available: {", ".join(map(str, arch_settings))}'
        )
    if not 1 <= num_stages <= 4:
        raise UserAssertionError(f'num_stages is {num_stages}; expected 1 to 4')
    for name, values in (('strides', strides), ('dilations', dilations)):
        if len(values) != num_stages:
            raise UserAssertionError(f'{name} has {len(values)} entries for {num_stages} stages')
    if not set(out_indices) <= set(range(num_stages)):
        raise UserAssertionError(
            f'out_indices {tuple(out_indices)} names stages beyond the {num_stages}'
        )
    if style not in ('pytorch', 'caffe'):
        raise UserAssertionError(f"style is {style!r}; expected 'pytorch' or 'caffe'")


def _check_dcn(
    dcn: Mapping[str, Any] | None, stage_with_dcn: Sequence[bool], num_stages: int
) -> None:
    if dcn is None:
        return
    if len(stage_with_dcn) != num_stages:
        raise UserAssertionError(
            f'stage_with_dcn has {len(stage_with_dcn)} entries for {num_stages} stages'
        )
    kind = dcn.get('type')
    if kind not in CONV_LAYERS:
        try:
            # registers the compiled convolutions
            importlib.import_module('mmcv.ops')
        except ImportError as error:
            raise UserError(
                f'dcn: the convolution {kind!r} is a compiled operator of mmcv.ops, which this '
                'installation lacks; leave dcn out, or build mmcv-full with MMCV_WITH_OPS=1'
            ) from error
        if kind not in CONV_LAYERS:
            raise UserError(f"dcn: there is no convolution {kind!r}; did you mean 'DCNv2'?")
