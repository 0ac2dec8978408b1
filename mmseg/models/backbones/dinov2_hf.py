"""DINOv2 weights under the names of Hugging Face's Transformers, translated to timm's.

Transformers keeps queries, keys and values apart, where DINOv2's own release and timm join them.
"""

import re
from collections.abc import Mapping

import torch

_MARK = 'embeddings.patch_embeddings.projection.weight'
_NAMES = {
    'embeddings.cls_token': 'cls_token',
    'embeddings.register_tokens': 'reg_token',
    'embeddings.position_embeddings': 'pos_embed',
    'embeddings.patch_embeddings.projection': 'patch_embed.proj',
    'layernorm': 'norm',
    'attention.output.dense': 'attn.proj',
    'layer_scale1.lambda1': 'ls1.gamma',
    'layer_scale2.lambda1': 'ls2.gamma',
}
_LAYER = re.compile(r'encoder\.layer\.(\d+)\.(.+)')
_SEPARATE = re.compile(r'attention\.attention\.(query|key|value)\.(weight|bias)')


def is_from_transformers(state: Mapping[str, torch.Tensor]) -> bool:
    """Say whether a state dict bears the names of Transformers' Dinov2Model."""
    return any(key.removeprefix('dinov2.') == _MARK for key in state)


def from_transformers(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the entries of Transformers' Dinov2Model as timm's VisionTransformer has them."""
    renamed: dict[str, torch.Tensor] = {}
    separate: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in state.items():
        key = key.removeprefix('dinov2.')
        prefix, rest = '', key
        if layer := _LAYER.fullmatch(key):
            prefix, rest = f'blocks.{layer[1]}.', layer[2]
        if part := _SEPARATE.fullmatch(rest):
            separate.setdefault(f'{prefix}attn.qkv.{part[2]}', {})[part[1]] = value
        elif key != 'embeddings.mask_token':
            renamed[prefix + _in_timm(rest)] = value
    for key, parts in separate.items():
        renamed[key] = torch.cat([parts['query'], parts['key'], parts['value']])
    return renamed


def _in_timm(name: str) -> str:
    for theirs, ours in _NAMES.items():
        if name == theirs or name.startswith(f'{theirs}.'):
            return ours + name.removeprefix(theirs)
    return name
