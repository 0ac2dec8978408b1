"""Mix Transformer (MiT), the hierarchical encoder of SegFormer (Xie et al., NeurIPS 2021)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from mmseg.models.backbones.mit_layers import Block, BlockNorm, OverlapPatchEmbed, to_maps
from mmseg.models.backbones.mit_mmsegmentation import (
    from_mmsegmentation,
    is_from_mmsegmentation,
)
from mmseg.models.backbones.pretrained import load_pretrained
from mmseg.models.builder import BACKBONES
from mmseg.utils.errors import UserError
from mmseg.utils.overrides import RefusesOverrides


class MixVisionTransformer(RefusesOverrides, nn.Module):
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
        with_cp: Whether the blocks' activations are computed again in the backward pass instead of
            kept: a third more work for a fraction of the memory.
        style: Accepted because published configs carry it; the network does not depend on it.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ('forward_features', 'reset_drop_path', 'freeze_patch_emb'), 'override forward'
    )

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
        with_cp: bool = False,
        style: str | None = None,
    ) -> None:
        super().__init__()
        _check_stages(
            len(embed_dims),
            num_heads=num_heads,
            mlp_ratios=mlp_ratios,
            depths=depths,
            sr_ratios=sr_ratios,
        )
        self.embed_dims = self.out_channels = tuple(embed_dims)
        self.pretrained = pretrained
        self.is_pretrained = False
        self.num_stages = len(depths)
        # patch embeddings are registered before the blocks, in the order of released checkpoints:
        # optimizer states refer to parameters by position
        for stage, (inner, outer) in enumerate(
            zip((in_chans, *embed_dims[:-1]), embed_dims, strict=True)
        ):
            embed = OverlapPatchEmbed(*((7, 4) if stage == 0 else (3, 2)), inner, outer)
            self.add_module(f'patch_embed{stage + 1}', embed)
        num_blocks = sum(depths)
        drop_paths = (drop_path_rate * i / max(num_blocks - 1, 1) for i in range(num_blocks))
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
                    with_cp,
                )
                for _ in range(depths[stage])
            )
            self.add_module(f'block{stage + 1}', blocks)
            self.add_module(f'norm{stage + 1}', BlockNorm(dim))

    def init_weights(self) -> None:
        """Load the pretrained weights, or draw random ones where there are none."""
        self.is_pretrained = load_pretrained(self, self.pretrained, drop=('head.',))
        if not self.is_pretrained:
            self.apply(_init_randomly)

    def in_own_names(self, state: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        """Rename entries that bear the names of mmsegmentation's Mix Transformer, if they do."""
        return from_mmsegmentation(state) if is_from_mmsegmentation(state) else state

    def forward(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract features (section 3.1).

        Args:
            img: Normalised images (B, 3, H, W); H and W at least 29 pixels, otherwise free.

        Returns:
            A map (B, C_i, ceil(H/s), ceil(W/s)) of each stage, s = 4, 8, 16, 32.
        """
        features = []
        maps = img
        for stage in range(1, self.num_stages + 1):
            tokens, height, width = getattr(self, f'patch_embed{stage}')(maps)
            for block in getattr(self, f'block{stage}'):
                tokens = block(tokens, height, width)
            maps = to_maps(getattr(self, f'norm{stage}')(tokens), height, width)
            features.append(maps)
        return features


def _check_stages(num_stages: int, **settings: Sequence[float]) -> None:
    for name, values in settings.items():
        if len(values) != num_stages:
            raise UserError(
                f'{name} has {len(values)} entries where embed_dims has {num_stages}: '
                'give one for each stage'
            )


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
