"""The Mix Transformer's weights as mmsegmentation stores them, renamed to SegFormer's release.

mmsegmentation (its model zoo's `mit_b0` … `mit_b5`, and every segmentor that it trained) keeps a
stage as `layers.<stage>`: 0 the patch embedding, 1 the blocks, 2 the norm. Attention is PyTorch's,
its queries, keys and values in one matrix; feed-forward layers are 1 × 1 convolutions.
"""

import re
from collections.abc import Mapping

import torch

from mmseg.utils.errors import UserError

# within a block: theirs → ours
_IN_BLOCK = {
    'norm1': 'norm1',
    'norm2': 'norm2',
    'attn.sr': 'attn.sr',
    'attn.norm': 'attn.norm',
    'attn.attn.out_proj': 'attn.proj',
    'ffn.layers.0': 'mlp.fc1',
    'ffn.layers.1': 'mlp.dwconv.dwconv',
    'ffn.layers.4': 'mlp.fc2',
}
_IN_PROJ = re.compile(r'attn\.attn\.in_proj_(weight|bias)')
_LINEAR = ('mlp.fc1', 'mlp.fc2')
_MARK = re.compile(r'layers\.\d\.0\.projection\.weight')


def is_from_mmsegmentation(state: Mapping[str, torch.Tensor]) -> bool:
    """Say whether entries bear the names of mmsegmentation's Mix Transformer."""
    return any(_MARK.fullmatch(key) for key in state)


def from_mmsegmentation(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the entries of a Mix Transformer of mmsegmentation.

    Args:
        state: Entries of its `MixVisionTransformer`, without the name of the backbone.

    Returns:
        Entries of `mit_b0` … `mit_b5`.

    Raises:
        UserError: An entry is of no such network.
    """
    renamed: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        renamed |= _entries(key, value)
    return renamed


def _entries(key: str, value: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what one entry becomes; stages are counted from 1 in ours."""
    if match := re.fullmatch(r'layers\.(\d)\.0\.(projection|norm)\.(\w+)', key):
        stage, part, kind = match.groups()
        ours = 'proj' if part == 'projection' else 'norm'
        return {f'patch_embed{int(stage) + 1}.{ours}.{kind}': value}
    if match := re.fullmatch(r'layers\.(\d)\.2\.(\w+)', key):
        return {f'norm{int(match[1]) + 1}.{match[2]}': value}
    if match := re.fullmatch(r'layers\.(\d)\.1\.(\d+)\.(.+)', key):
        block = f'block{int(match[1]) + 1}.{match[2]}'
        if entries := _in_block(match[3], value):
            return {f'{block}.{name}': entry for name, entry in entries.items()}
    raise UserError(f"{key!r} is no entry of mmsegmentation's MixVisionTransformer")


def _in_block(key: str, value: torch.Tensor) -> dict[str, torch.Tensor]:
    if match := _IN_PROJ.fullmatch(key):
        dim = len(value) // 3
        return {f'attn.q.{match[1]}': value[:dim], f'attn.kv.{match[1]}': value[dim:]}
    part, _, kind = key.rpartition('.')
    ours = _IN_BLOCK.get(part)
    if ours is None:
        return {}
    return {f'{ours}.{kind}': value.flatten(1) if ours in _LINEAR and value.ndim == 4 else value}
