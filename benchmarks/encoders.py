"""What encoders cost in a training step, and what is known of their weights.

Every encoder is trained in DAFormer's head, with images of noise.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import timm
import torch

from mmseg.apis.config import Config
from mmseg.core.settings import SpeedSettings
from mmseg.models import build_segmentor
from mmseg.models.backbones.timm_weights import PACKAGES
from mmseg.speed import quicken
from mmseg.speed.heap import keep_freed_memory
from mmseg.utils.environment import peak_memory_gb
from mmseg.utils.errors import UserError, nearest

CONVOLUTIONAL = ('tf_efficientnet_lite0', 'resnet18', 'regnety_002', 'convnextv2_atto')
HIERARCHICAL = ('pvt_v2_b0', 'swin_s3_tiny_224', 'swinv2_cr_tiny_ns_224', 'efficientvit_b0')
PLAIN = (
    'vit_tiny_patch16_224',
    'vit_small_patch14_dinov2',
    'vit_small_patch16_dinov3',
    'eva02_tiny_patch14_224',
)
TIMM = (*CONVOLUTIONAL, *HIERARCHICAL, *PLAIN)
OWN = ('mit_b0', 'mit_b5')
ENCODERS = (*OWN, *TIMM)

_DAFORMER = Path(__file__).parents[1] / 'configs/_base_/models/daformer_sepaspp_mitb5.py'
_MIT_WEIGHTS = ('non-commercial', '`pretrained/{name}.pth`')
# Column of the table -> key of an encoder's facts or figures, and its form.
_COLUMNS = {
    'million parameters': ('parameters', '{:.1f}'),
    'ms a step': ('milliseconds', '{:,.0f}'),
    'peak GiB': ('memory', '{:.2f}'),
    'strides': ('strides', '{}'),
    'weights': ('weights', '{}'),
    'their licence': ('licence', '{}'),
    'feature distance': ('feature_distance', '{}'),
}


def model_of(name: str) -> Config:
    """Return the `model` of a config, DAFormer on one of `ENCODERS` with random weights."""
    model = Config.fromfile(str(_DAFORMER), import_custom_modules=False).model
    model.pretrained = None
    model.decode_head.pop('in_channels')
    model.backbone = {'type': name} if name in OWN else {'type': 'TimmBackbone', 'model': name}
    if name in PLAIN:
        model.neck = {'type': 'SimpleFeaturePyramid', 'out_channels': 256}
    return model


def measure_encoder(job: Mapping[str, Any]) -> dict[str, Any]:
    """Pass one image through a student and back, on the CPU.

    Args:
        job: `encoder`, `size` (the side of the image in pixels), `warmups` and `steps`.

    Returns:
        'seconds' of each step, 'images' (1), 'memory' (peak, GiB) and the encoder's 'facts'.
    """
    keep_freed_memory()
    torch.manual_seed(0)
    device, side = torch.device('cpu'), job['size']
    model = build_segmentor(model_of(job['encoder'])).train()
    quicken(model, device, SpeedSettings())
    image = torch.randn(1, 3, side, side)
    labels = torch.randint(model.num_classes, (1, 1, side, side))
    seconds = []
    for _ in range(job['warmups'] + job['steps']):
        start = time.perf_counter()
        model.zero_grad()
        losses = model.losses(model.forward_embedding(image), labels)
        sum(value for key, value in losses.items() if 'loss' in key).backward()
        seconds.append(time.perf_counter() - start)
    return {
        'seconds': seconds[job['warmups'] :],
        'images': 1,
        'memory': peak_memory_gb(device),
        'facts': facts_of(job['encoder'], model.backbone),
    }


def facts_of(name: str, backbone: Any) -> dict[str, Any]:
    """Tell what an encoder is and what is known of its weights.

    Args:
        name: One of `ENCODERS`.
        backbone: It.

    Returns:
        'parameters' (millions), 'strides', 'weights' (where they come from), 'licence' (as timm
        tells it) and 'feature_distance', whether it is meant to be on.
    """
    num_parameters = sum(parameter.numel() for parameter in backbone.parameters())
    licence, weights = _MIT_WEIGHTS
    if name in TIMM:
        known = timm.get_pretrained_cfg(name)
        licence = known.license or 'not stated'
        weights = f"'hub': `{known.hf_hub_id.removeprefix('timm/')}`"
        if name in PACKAGES:
            weights += f", 'package': `{PACKAGES[name][0].replace('_', '-')}`"
    is_plain = getattr(backbone, 'token_size', None) is not None
    return {
        'parameters': num_parameters / 1e6,
        'strides': ', '.join(map(str, getattr(backbone, 'out_strides', (4, 8, 16, 32)))),
        'weights': weights.format(name=name),
        'licence': licence,
        'feature_distance': 'off' if is_plain else 'on',
    }


def markdown(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a table of encoders in Markdown.

    Args:
        rows: Name -> its facts and figures; figures that all lack are left out.
    """
    columns = {
        heading: column
        for heading, column in _COLUMNS.items()
        if all(column[0] in row for row in rows.values())
    }
    lines = [['encoder', *columns], ['---'] * (len(columns) + 1)]
    for name, row in rows.items():
        lines.append([f'`{name}`', *(form.format(row[key]) for key, form in columns.values())])
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)


def jobs_of(names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a job for each encoder that is asked for; for all where none is.

    Raises:
        UserError: One is none of `ENCODERS`.
    """
    for name in names:
        if name not in ENCODERS:
            raise UserError(f'there is no encoder {name!r} in the table; {nearest(name, ENCODERS)}')
    return {name: {**settings, 'encoder': name} for name in names or ENCODERS}
