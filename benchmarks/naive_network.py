"""Networks as they are commonly written: attention spelled out, maps contiguous."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mmseg.models.backbones.mit_layers import EfficientAttention, to_maps, to_tokens
from mmseg.models.decode_heads.linear_embedding import LinearEmbedding
from mmseg.models.segmentors import HRDAEncoderDecoder

from .naive_hrda import NaiveHRDA


def naive_networks(model: nn.Module) -> nn.Module:
    """Let all networks in a model, in place, compute the same the common way; return the model.

    Encoders hand on contiguous maps.
    """
    for module in list(model.modules()):
        module.__class__ = _NAIVE.get(type(module), module.__class__)
        if hasattr(module, 'backbone'):
            module.backbone.register_forward_hook(_contiguous)
    return model


class NaiveAttention(EfficientAttention):
    """Attention whose matrix of weights (B, heads, N, M) exists."""

    def forward(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Mix tokens (B, N, C) of a grid of height×width; same shape out."""
        context = tokens
        if self.sr_ratio > 1:
            context = self.norm(to_tokens(self.sr(to_maps(tokens, height, width))))
        query = self.q(tokens).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
        key, value = self.kv(context).unflatten(2, (2, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        scale = query.shape[-1] ** -0.5 if self.qk_scale is None else self.qk_scale
        weights = (query @ key.transpose(-2, -1) * scale).softmax(-1)
        weights = F.dropout(weights, self.attn_drop, self.training)
        return self.proj_drop(self.proj((weights @ value).transpose(1, 2).flatten(2)))


class NaiveEmbedding(LinearEmbedding):
    """A linear layer on tokens, from maps and back to maps."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, in_channels, h, w) to (B, channels, h, w)."""
        return to_maps(self.proj(to_tokens(x).contiguous()), *x.shape[2:]).contiguous()


_NAIVE: dict[type, type] = {
    EfficientAttention: NaiveAttention,
    LinearEmbedding: NaiveEmbedding,
    HRDAEncoderDecoder: NaiveHRDA,
}


def _contiguous(module: nn.Module, inputs: Any, features: list[torch.Tensor]) -> list[torch.Tensor]:
    return [maps.contiguous() for maps in features]
