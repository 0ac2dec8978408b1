"""What `mmseg.models` of mmsegmentation 0.16 and DAFormer offers, and where it stands here."""

from collections.abc import Mapping

import torch

from . import backbones, decode_heads, losses, necks, segmentors, uda

_CONVERTED = 'weights are converted when they are loaded, see mmseg.core.checkpoint'
_SHAPES = {name: f'compat:{name}' for name in ('make_divisible', 'nchw_to_nlc', 'nlc_to_nchw')}
_LAYERS = {
    'ResLayer': 'stages are made by mmseg.models.backbones.resnet_layers.make_stage',
    'SelfAttentionBlock': 'mmseg.models.decode_heads.self_attention.SelfAttention has its part',
}
_VIEWS = (
    'views are drawn by mmseg.models.uda.augmentation.draw_view and classes mixed by '
    'mmseg.models.uda.class_mixing, with generators that are passed in'
)

NAMES: Mapping[str, str] = {
    name: f'{package.__name__.rpartition(".")[2]}:{name}'
    for package in (backbones, decode_heads, losses, necks, segmentors, uda)
    for name in package.__all__
}
PLACES: Mapping[str, Mapping[str, str]] = {
    'utils': {**_SHAPES, **_LAYERS},
    'utils.make_divisible': {'make_divisible': 'compat:make_divisible'},
    'utils.shape_convert': {
        'nchw_to_nlc': 'compat:nchw_to_nlc',
        'nlc_to_nchw': 'compat:nlc_to_nchw',
    },
    'utils.res_layer': {'ResLayer': _LAYERS['ResLayer']},
    'utils.self_attention_block': {'SelfAttentionBlock': _LAYERS['SelfAttentionBlock']},
    'utils.ckpt_convert': dict.fromkeys(('mit_convert', 'vit_convert', 'swin_convert'), _CONVERTED),
    'utils.dacs_transforms': dict.fromkeys(
        (
            'color_jitter',
            'denorm',
            'denorm_',
            'gaussian_blur',
            'generate_class_mask',
            'get_class_masks',
            'get_mean_std',
            'one_mix',
            'renorm_',
            'strong_transform',
        ),
        _VIEWS,
    ),
}


def make_divisible(
    value: float, divisor: int, min_value: int | None = None, min_ratio: float = 0.9
) -> int:
    """Round a number of channels to a multiple of `divisor`.

    Args:
        value: The number.
        divisor: What the result is a multiple of.
        min_value: Least result; None for `divisor`.
        min_ratio: Least share of `value` that the result may be.
    """
    rounded = max(min_value or divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < min_ratio * value else rounded


def nlc_to_nchw(x: torch.Tensor, hw_shape: tuple[int, int]) -> torch.Tensor:
    """Turn tokens (B, h·w, C) into maps (B, C, h, w)."""
    return x.transpose(1, 2).unflatten(2, tuple(hw_shape))


def nchw_to_nlc(x: torch.Tensor) -> torch.Tensor:
    """Turn maps (B, C, h, w) into tokens (B, h·w, C)."""
    return x.flatten(2).transpose(1, 2).contiguous()
