"""Mix Transformer (MiT), the hierarchical encoder of SegFormer (Xie et al., NeurIPS 2021).

Legend: B images, N = h*w tokens, M tokens after spatial reduction, C channels, d channels of a
head. Tokens and maps are two views of the same memory: a map (B, C, h, w) made from tokens lies
in channels-last order, so going from one to the other copies nothing.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from timm.layers import DropPath
from torch import nn

from mmseg.models.backbones.pretrained import load_pretrained
from mmseg.models.builder import BACKBONES

_Norm = partial(nn.LayerNorm, eps=1e-6)


def _to_tokens(maps: torch.Tensor) -> torch.Tensor:
    """View (B, C, h, w) as (B, h*w, C)."""
    return maps.flatten(2).transpose(1, 2)


def _to_maps(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
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
        return self.norm(_to_tokens(maps)), maps.shape[2], maps.shape[3]


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
        """Mix tokens (B, N, C) of a grid of height x width; same shape out."""
        context = tokens
        if self.sr_ratio > 1:
            context = self.norm(_to_tokens(self.sr(_to_maps(tokens, height, width))))
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
    """A 3 x 3 depthwise convolution over tokens, from which positions are learnt (eq. 3)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)

    def forward(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Convolve tokens (B, N, C) of a grid of height x width; same shape out."""
        return _to_tokens(self.dwconv(_to_maps(tokens, height, width)))


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
        """Map tokens (B, N, C) of a grid of height x width; same shape out."""
        hidden = F.gelu(self.dwconv(self.fc1(tokens), height, width))
        return self.drop(self.fc2(self.drop(hidden)))


class Block(nn.Module):
    """One transformer layer: attention, then feed-forward, each added to what came in."""

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
    ) -> None:
        super().__init__()
        self.norm1 = _Norm(dim)
        self.attn = EfficientAttention(
            dim, num_heads, qkv_bias, qk_scale, attn_drop, drop, sr_ratio
        )
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        self.norm2 = _Norm(dim)
        self.mlp = MixFFN(dim, int(dim * mlp_ratio), drop)

    def forward(self, tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Map tokens (B, N, C) of a grid of height x width; same shape out."""
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens), height, width))
        return tokens + self.drop_path(self.mlp(self.norm2(tokens), height, width))


class MixVisionTransformer(nn.Module):
    """Mix Transformer: four stages at strides 4, 8, 16 and 32 (section 3.1, table 6).

    Args:
        in_chans: Channels of the image.
        embed_dims: Channels of each stage.
        num_heads: Attention heads of each stage.
        mlp_ratios: Hidden channels of each stage's feed-forward layers over its channels.
        depths: Blocks of each stage.
        sr_ratios: Reduction of the keys' grid in each stage.
        qkv_bias: Whether queries, keys and values have a bias.
        qk_scale: Factor of the attention products; d ** -0.5 if None.
        drop_rate: Dropout ratio in [0, 1).
        attn_drop_rate: Dropout ratio of the attention in [0, 1).
        drop_path_rate: Ratio of residual branches dropped in the last block; it grows linearly
            from 0 in the first.
        pretrained: Weights that `init_weights` loads.
        style: Accepted because published configs carry it; the network does not depend on it.
    """

    def __init__(
        self,
        in_chans: int = 3,
        embed_dims: Sequence[int] = (64, 128, 320, 512),
        num_heads: Sequence[int] = (1, 2, 5, 8),
        mlp_ratios: Sequence[float] = (4, 4, 4, 4),
        depths: Sequence[int] = (3, 4, 6, 3),
        sr_ratios: Sequence[int] = (8, 4, 2, 1),
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        pretrained: str | None = None,
        style: str | None = None,
    ) -> None:
        super().__init__()
        self.embed_dims = tuple(embed_dims)
        self.pretrained = pretrained
        self.num_stages = len(depths)
        # patch embeddings are registered before the blocks, in the order of released checkpoints:
        # optimizer states refer to parameters by position
        for stage, (inner, outer) in enumerate(
            zip((in_chans, *embed_dims[:-1]), embed_dims, strict=True)
        ):
            embed = OverlapPatchEmbed(*((7, 4) if stage == 0 else (3, 2)), inner, outer)
            self.add_module(f'patch_embed{stage + 1}', embed)
        drop_paths = iter(torch.linspace(0, drop_path_rate, sum(depths)).tolist())
        for stage, dim in enumerate(embed_dims):
            blocks = nn.ModuleList(
                Block(
                    dim,
                    num_heads[stage],
                    mlp_ratios[stage],
                    qkv_bias,
                    qk_scale,
                    drop_rate,
                    attn_drop_rate,
                    next(drop_paths),
                    sr_ratios[stage],
                )
                for _ in range(depths[stage])
            )
            self.add_module(f'block{stage + 1}', blocks)
            self.add_module(f'norm{stage + 1}', _Norm(dim))

    def init_weights(self) -> None:
        """Load the pretrained weights, or draw random ones where there are none."""
        if not load_pretrained(self, self.pretrained, drop=('head.',)):
            self.apply(_init_randomly)

    def forward(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract features (section 3.1).

        Args:
            img: Normalised images (B, 3, H, W), any H and W.

        Returns:
            A map (B, C_i, ceil(H/s), ceil(W/s)) of each stage, s = 4, 8, 16, 32.
        """
        features = []
        maps = img
        for stage in range(1, self.num_stages + 1):
            tokens, height, width = getattr(self, f'patch_embed{stage}')(maps)
            for block in getattr(self, f'block{stage}'):
                tokens = block(tokens, height, width)
            maps = _to_maps(getattr(self, f'norm{stage}')(tokens), height, width)
            features.append(maps)
        return features


def _init_randomly(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
        nn.init.normal_(module.weight, 0, math.sqrt(2.0 * module.groups / fan_out))
    elif isinstance(module, nn.LayerNorm):
        nn.init.ones_(module.weight)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


_SMALL = (32, 64, 160, 256)
_LARGE = (64, 128, 320, 512)


@BACKBONES.register_module()
class mit_b0(MixVisionTransformer):
    """MiT-B0 (table 6)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{'embed_dims': _SMALL, 'depths': (2, 2, 2, 2), **kwargs})


@BACKBONES.register_module()
class mit_b1(MixVisionTransformer):
    """MiT-B1 (table 6)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{'embed_dims': _LARGE, 'depths': (2, 2, 2, 2), **kwargs})


@BACKBONES.register_module()
class mit_b2(MixVisionTransformer):
    """MiT-B2 (table 6)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{'embed_dims': _LARGE, 'depths': (3, 4, 6, 3), **kwargs})


@BACKBONES.register_module()
class mit_b3(MixVisionTransformer):
    """MiT-B3 (table 6)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{'embed_dims': _LARGE, 'depths': (3, 4, 18, 3), **kwargs})


@BACKBONES.register_module()
class mit_b4(MixVisionTransformer):
    """MiT-B4 (table 6)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{'embed_dims': _LARGE, 'depths': (3, 8, 27, 3), **kwargs})


@BACKBONES.register_module()
class mit_b5(MixVisionTransformer):
    """MiT-B5 (table 6)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{'embed_dims': _LARGE, 'depths': (3, 6, 40, 3), **kwargs})
