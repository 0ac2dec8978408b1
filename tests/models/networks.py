"""Small networks that tests of models share."""

import json
from pathlib import Path
from typing import Any

from mmcv import Config

from tests.golden import FOLDER

CONFIGS = Path(__file__).parents[2] / 'configs/_base_/models'
DECODERS = ('conv1', 'aspp', 'sepaspp', 'sepaspp_bottleneck')
STATE_DICT_KEYS = json.loads((FOLDER / 'state_dict_keys.json').read_text())


def published_config(decoder: str) -> dict[str, Any]:
    """Return the `model` of the published config with this decoder."""
    return Config.fromfile(CONFIGS / f'daformer_{decoder}_mitb5.py').model


def small_config(decoder: str = 'sepaspp', num_classes: int = 5, channels: int = 8) -> Config:
    """Return the `model` of a config with this decoder, on MiT-B0 and with few channels."""
    model = published_config(decoder)
    model.pretrained = None
    model.backbone.type = 'mit_b0'
    model.decode_head.update(
        in_channels=[32, 64, 160, 256], channels=channels, num_classes=num_classes
    )
    model.decode_head.decoder_params.embed_dims = channels
    return model
