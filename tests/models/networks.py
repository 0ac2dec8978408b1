"""Small networks that tests of models share."""

import json
from pathlib import Path
from typing import Any

from mmcv import Config

from tests.golden import FOLDER

CONFIGS = Path(__file__).parents[2] / 'configs/_base_/models'
DECODERS = ('conv1', 'aspp', 'sepaspp', 'sepaspp_bottleneck', 'isa')
STATE_DICT_KEYS = json.loads((FOLDER / 'state_dict_keys.json').read_text())
PUBLISHED = tuple(name for name in STATE_DICT_KEYS if not name.startswith('backbone:'))

_MIT_WIDTHS = [32, 64, 160, 256]
_RESNET_WIDTHS = [16, 32, 64, 128]
_BOTTLENECK_WIDTHS = [32, 64, 128, 256]
_RESNEXT = {'type': 'ResNeXt', 'depth': 50, 'groups': 4, 'base_width': 16}
_RESNEST = {'type': 'ResNeSt', 'depth': 50, 'radix': 2, 'reduction_factor': 4}
_NO_C1 = {'c1_in_channels': None, 'c1_channels': None}

# Networks that no published config has: which one they are made from, and what is changed.
# None takes a setting out.
_VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    'fcn_r50-d8': (
        'deeplabv3plus_r50-d8',
        {'decode_head': {'type': 'FCNHead', 'dilations': None, **_NO_C1}},
    ),
    'psp_r50-d8': (
        'deeplabv3plus_r50-d8',
        {'decode_head': {'type': 'PSPHead', 'dilations': None, **_NO_C1}},
    ),
    'aspp_r50-d8': ('deeplabv3plus_r50-d8', {'decode_head': {'type': 'ASPPHead', **_NO_C1}}),
    'deeplabv3plus_mitb5': (
        'deeplabv3plus_r50-d8',
        {'backbone': {'type': 'mit_b5'}, 'neck': {'type': 'SegFormerAdapter'}},
    ),
    'deeplabv2red_x50': ('deeplabv2red_r50-d8', {'backbone': _RESNEXT}),
    'deeplabv2red_s50': ('deeplabv2red_r50-d8', {'backbone': _RESNEST}),
}
ARCHITECTURES = (*PUBLISHED, *_VARIANTS)
# Networks of two scales, by the names of their files.
TWO_SCALES = ('hrda1-512-0.1_daformer_sepaspp_mitb5', 'hrda1-512-0.1_dlv2red_r101v1c')


def published_config(decoder: str) -> dict[str, Any]:
    """Return the `model` of the published DAFormer config with this decoder."""
    return Config.fromfile(CONFIGS / f'daformer_{decoder}_mitb5.py').model


def small_config(decoder: str = 'sepaspp', num_classes: int = 5, channels: int = 8) -> Config:
    """Return the `model` of a DAFormer config with this decoder, on MiT-B0 with few channels."""
    return small_architecture(f'daformer_{decoder}_mitb5', num_classes, channels)


def small_architecture(name: str, num_classes: int = 5, channels: int = 8) -> Config:
    """Return the `model` of an architecture with a small backbone and few channels."""
    base, changes = _VARIANTS.get(name, (name, {}))
    model = Config.fromfile(CONFIGS / f'{base}.py').model
    model.pretrained = None
    if changes.get('backbone', {}).get('type', '').startswith('mit'):
        del model['backbone']
    for part, settings in changes.items():
        model.setdefault(part, {}).update(settings)
    for key in [key for key, value in model.decode_head.items() if value is None]:
        del model.decode_head[key]
    if name in TWO_SCALES:
        model.hr_crop_size = (32, 32)
        model.decode_head.attention_embed_dim = channels
    _shrink_head(model.decode_head, _shrink_backbone(model.backbone), num_classes, channels)
    return model


def _shrink_backbone(backbone: dict[str, Any]) -> list[int]:
    """Make a backbone small and return the channels of its stages."""
    if backbone['type'].startswith('mit'):
        backbone['type'] = 'mit_b0'
        return _MIT_WIDTHS
    # blocks that begin as the identity would give their layers no gradient
    backbone['zero_init_residual'] = False
    if backbone['type'] == 'ResNetV1c':
        backbone.update(depth=18, base_channels=16, stem_channels=16)
        return _RESNET_WIDTHS
    backbone.update(base_channels=8, stem_channels=8)
    if 'base_width' in backbone:
        backbone['base_width'] = 2
    return _BOTTLENECK_WIDTHS


def _shrink_head(head: dict[str, Any], widths: list[int], num_classes: int, channels: int) -> None:
    small = {
        'in_channels': widths if isinstance(head['in_channels'], list) else widths[-1],
        'num_classes': num_classes,
        'channels': channels,
        'c1_in_channels': widths[0],
        'c1_channels': 4,
        'pam_channels': 4,
        'isa_channels': 4,
    }
    head.update({key: value for key, value in small.items() if key in head})
    params = head.get('decoder_params', {})
    params.update({key: channels for key in ('embed_dim', 'embed_dims') if key in params})
    if 'isa_channels' in params.get('fusion_cfg', {}):
        params['fusion_cfg']['isa_channels'] = 4
