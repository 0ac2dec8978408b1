"""What `mmseg.core` of mmsegmentation 0.16 and DAFormer offers, and where it stands here."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_METRICS = (
    'eval_metrics',
    'intersect_and_union',
    'mean_dice',
    'mean_fscore',
    'mean_iou',
    'total_intersect_and_union',
)
# one hook evaluates, on all processes that there are
_HOOKS = {'EvalHook': 'hooks:EvalHook', 'DistEvalHook': 'hooks:EvalHook'}
_SAMPLERS = {
    name: f'pixel_sampling:{name}'
    for name in ('BasePixelSampler', 'OHEMPixelSampler', 'build_pixel_sampler')
}
_REGISTRY = {'PIXEL_SAMPLERS': 'pixel_sampling:PIXEL_SAMPLERS'}
_MISC = {'add_prefix': 'compat:add_prefix', 'np2tmp': 'compat:np2tmp'}
_WRAPPER = (
    'every process of a group trains its share without a wrapper around the model, see '
    'docs/several_processes.md'
)

NAMES: Mapping[str, str] = {
    **{name: f'evaluation:{name}' for name in (*_METRICS, 'get_classes', 'get_palette')},
    **_HOOKS,
    **_SAMPLERS,
    'add_prefix': 'compat:add_prefix',
}
PLACES: Mapping[str, Mapping[str, str]] = {
    'seg': {**_SAMPLERS, **_REGISTRY},
    'seg.builder': {**_REGISTRY, 'build_pixel_sampler': 'pixel_sampling:build_pixel_sampler'},
    'seg.sampler': _SAMPLERS,
    'utils': _MISC,
    'utils.misc': _MISC,
    'evaluation.eval_hooks': _HOOKS,
    'evaluation.metrics': {name: f'evaluation:{name}' for name in _METRICS},
    'ddp_wrapper': {'DistributedDataParallelWrapper': _WRAPPER},
}


def add_prefix(inputs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Put a prefix and a dot before the names of some values."""
    return {f'{prefix}.{name}': value for name, value in inputs.items()}


def np2tmp(array: np.ndarray, temp_file_name: str) -> str:
    """Save an array as an .npy file of this name, which `evaluate` of data sets reads."""
    np.save(temp_file_name, array)
    return temp_file_name
