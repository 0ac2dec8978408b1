"""The Mix Transformer's weights as Hugging Face stores them, renamed to SegFormer's release.

`nvidia/mit-b0` … `nvidia/mit-b5` hold the ImageNet weights that SegFormer's authors published, the
entries renamed, and keys and values of the attention apart.
"""

import re
from collections.abc import Mapping

import torch

from mmseg.utils.errors import UserError

# within a block: theirs → ours
_IN_BLOCK = {
    'layer_norm_1': 'norm1',
    'layer_norm_2': 'norm2',
    'attention.self.query': 'attn.q',
    'attention.self.sr': 'attn.sr',
    'attention.self.layer_norm': 'attn.norm',
    'attention.output.dense': 'attn.proj',
    'mlp.dense1': 'mlp.fc1',
    'mlp.dwconv.dwconv': 'mlp.dwconv.dwconv',
    'mlp.dense2': 'mlp.fc2',
}
_KEY, _VALUE = 'attention.self.key', 'attention.self.value'
_PREFIXES = ('segformer.', 'encoder.')
_LEFT_OUT = ('classifier.', 'decode_head.')


def from_segformer_hf(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the entries of a SegFormer of Hugging Face; classifier and decode head are left out.

    Args:
        state: Entries of `pytorch_model.bin` or `model.safetensors`.

    Returns:
        Entries of `mit_b0` … `mit_b5`.

    Raises:
        UserError: An entry is of no SegFormer encoder, or there is none.
    """
    renamed: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        if key.startswith(_LEFT_OUT):
            continue
        short = key
        for prefix in _PREFIXES:
            short = short.removeprefix(prefix)
        if _VALUE in short:
            continue  # goes with its key
        if _KEY in short:
            value = torch.cat([value, _partner(state, key)])
        renamed[_renamed(short)] = value
    if not renamed:
        raise UserError('expected the entries of a SegFormer encoder of Hugging Face, got none')
    return renamed


def _partner(state: Mapping[str, torch.Tensor], key: str) -> torch.Tensor:
    """Return the values' entry that belongs to one of the keys."""
    partner = key.replace(_KEY, _VALUE)
    if partner not in state:
        raise UserError(f'{key} is there but {partner} is missing: the file is not whole')
    return state[partner]


def _renamed(key: str) -> str:
    """Rename one entry without its prefixes; stages are counted from 1 in ours."""
    if match := re.fullmatch(r'patch_embeddings\.(\d)\.(proj|layer_norm)\.(\w+)', key):
        stage, part, kind = match.groups()
        return f'patch_embed{int(stage) + 1}.{"proj" if part == "proj" else "norm"}.{kind}'
    if match := re.fullmatch(r'layer_norm\.(\d)\.(\w+)', key):
        return f'norm{int(match[1]) + 1}.{match[2]}'
    if match := re.fullmatch(r'block\.(\d)\.(\d+)\.(.+)\.(\w+)', key):
        stage, index, part, kind = match.groups()
        ours = 'attn.kv' if part == _KEY else _IN_BLOCK.get(part)
        if ours is not None:
            return f'block{int(stage) + 1}.{index}.{ours}.{kind}'
    raise UserError(f'{key!r} is no entry of a SegFormer encoder of Hugging Face')
