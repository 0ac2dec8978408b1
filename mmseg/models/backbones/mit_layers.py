"""The layers of the Mix Transformer (Xie et al., NeurIPS 2021, section 3.1).

Legend: B images, N = h*w tokens, M tokens after spatial reduction, C channels, d channels of a
head. Tokens and maps are two views of the same memory: a map (B, C, h, w) made from tokens lies
in channels-last order, so going from one to the other copies nothing.
"""

from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import DropPath
from torch import nn
from torch.utils.checkpoint import checkpoint

BlockNorm = partial(nn.LayerNorm, eps=1e-6)


def to_tokens(maps: torch.Tensor) -> torch.Tensor:
    """View (B, C, h, w) as (B, h*w, C)."""
    return maps.flatten(2).transpose(1, 2)


def to_maps(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """View (B, h*w, C) as (B, C, h, w)."""
    return tokens.transpose(1, 2).unflatten(2, (height, width))


class OverlapPatchEmbed(nn.Module):
    """Overlapped patch merging (section 3.1): a strided convolution whose patches overlap.

    Args:
        patch_size: Side of a patch in pixels, odd.
        stride: Distance between patches in pixels.
        in_channels: Channels coming in.
        embed_dim: Channels going out.
    """

    def __init__(self, patch_size: int, stride: int, in_channels: int, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(
            in_channels, embed_dim, patch_size, stride=stride, padding=patch_size // 2
        )
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, maps: torch.Tensor) -> tuple[torch.Tensor, int, int]:
        """Turn maps (B, in, H, W) into tokens (B, h*w, C), h and w."""
        maps = self.proj(maps)
        return self.norm(to_tokens(maps)), maps.shape[2], maps.shape[3]


class EfficientAttention(nn.Module):
    """Self-attention whose keys and values are taken from a coarser grid (section 3.1).

    Args:
        dim: Channels C.
        num_heads: Heads; C is a multiple of it.
        qkv_bias: Whether queries, keys and values have a bias.
        qk_scale: Factor of the products; d ** -0.5 if None.
        attn_drop: Dropout ratio of the attention in [0, 1).
        proj_drop: Dropout ratio of the result in [0, 1).
        sr_ratio: Reduction of each side of the grid of keys and values.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        qkv_bias: bool,
        qk_scale: float | None,
        attn_drop: float,
        proj_drop: float,
        sr_ratio: int,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qk_scale = qk_scale
        self.attn_drop = attn_drop
        self.sr_ratio = sr_ratio
        self.q = nn.Linear(dim, dim, bias=qkv_bias)
        self.kv = nn.Linear(dim, 2 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)
        if sr_ratio > 1:
            self.sr = nn.Conv2d(dim, dim, sr_ratio, stride=sr_ratio)
            self.norm = nn.LayerNorm(dim)

    def forward(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Mix tokens (B, N, C) of a grid of height×width; same shape out."""
        context = tokens
        if self.sr_ratio > 1:
            maps = _padded(to_maps(tokens, height, width), self.sr_ratio)
            context = self.norm(to_tokens(self.sr(maps)))
        query = self.q(tokens).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
        key, value = self.kv(context).unflatten(2, (2, self.num_heads, -1)).unbind(2)
        mixed = F.scaled_dot_product_attention(
            query,
            key.transpose(1, 2),
            value.transpose(1, 2),
            dropout_p=self.attn_drop if self.training else 0.0,
            scale=self.qk_scale,
        )
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2)))


class DepthwiseConv(nn.Module):
    """A 3×3 depthwise convolution over tokens, from which positions are learnt (eq. 3)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)

    def forward(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Convolve tokens (B, N, C) of a grid of height×width; same shape out."""
        return to_tokens(self.dwconv(to_maps(tokens, height, width)))


class MixFFN(nn.Module):
    """Feed-forward layers with a depthwise convolution between them (section 3.1, eq. 3).

    Args:
        dim: Channels in and out.
        hidden_dim: Channels in between.
        drop: Dropout ratio in [0, 1).
    """

    def __init__(self, dim: int, hidden_dim: int, drop: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.dwconv = DepthwiseConv(hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)
        self.drop = nn.Dropout(drop)

    def forward(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Map tokens (B, N, C) of a grid of height×width; same shape out."""
        hidden = F.gelu(self.dwconv(self.fc1(tokens), height, width))
        return self.drop(self.fc2(self.drop(hidden)))


class Block(nn.Module):
    """One transformer layer: attention, then feed-forward, each added to what came in.

    Args:
        dim: Channels.
        num_heads: See `EfficientAttention`.
        mlp_ratio: Hidden channels of the feed-forward layers over `dim`.
        qkv_bias: See `EfficientAttention`.
        qk_scale: See `EfficientAttention`.
        drop: Dropout ratio in [0, 1).
        attn_drop: Dropout ratio of the attention in [0, 1).
        drop_path: Ratio of residual branches dropped, in [0, 1).
        sr_ratio: See `EfficientAttention`.
        with_cp: Whether activations are computed again in the backward pass instead of kept.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        mlp_ratio: float,
        qkv_bias: bool,
        qk_scale: float | None,
        drop: float,
        attn_drop: float,
        drop_path: float,
        sr_ratio: int,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.norm1 = BlockNorm(dim)
        self.attn = EfficientAttention(
            dim, num_heads, qkv_bias, qk_scale, attn_drop, drop, sr_ratio
        )
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        self.norm2 = BlockNorm(dim)
        self.mlp = MixFFN(dim, int(dim * mlp_ratio), drop)

    def forward(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Map tokens (B, N, C) of a grid of height×width; same shape out."""
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(self._layers, tokens, height, width, use_reentrant=False)
        return self._layers(tokens, height, width)

    def _layers(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        tokens = tokens + self.drop_path(self.attend(tokens, height, width))
        return tokens + self.drop_path(self.feed(tokens, height, width))

    def attend(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Return what attention adds to tokens (B, N, C), before drop path."""
        return self.attn(self.norm1(tokens), height, width)

    def feed(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Return what the feed-forward layers add to tokens (B, N, C), before drop path."""
        return self.mlp(self.norm2(tokens), height, width)


def _padded(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Pad maps (B, C, H, W) of small images with zeros so that a window of `size` fits."""
    height, width = maps.shape[2:]
    if height >= size and width >= size:
        return maps
    return F.pad(maps, (0, max(size - width, 0), 0, max(size - height, 0)))
