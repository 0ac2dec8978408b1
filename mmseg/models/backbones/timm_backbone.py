"""Any encoder of timm by its name (Wightman, PyTorch Image Models).

Legend: B images of H×W, C_i channels of the i-th map, s_i its stride.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import timm
import torch
import torch.nn.functional as F
from timm.models import group_parameters
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.models.backbones.lora import add_lora, load_under_lora
from mmseg.models.backbones.timm_weights import load_timm_weights
from mmseg.models.builder import BACKBONES
from mmseg.ops import resize
from mmseg.utils.errors import UserError

_STRIDES = (4, 8, 16, 32)
_PLAIN_MAPS = 4
# What lets a class of timm take images of any size, where it has a say in that.
_ANY_SIZE = {'dynamic_img_size': True, 'strict_img_size': False}


@BACKBONES.register_module()
class TimmBackbone(nn.Module):
    """Encoder of timm that gives its feature maps.

    A hierarchical encoder gives its maps of the strides 4, 8, 16 and 32, as far as it has them; a
    plain transformer, whose maps all have the stride of its patches, those of four blocks evenly
    spread over its depth, the last among them (the neck SimpleFeaturePyramid makes several strides
    of them). Images that are no whole number of cells of the coarsest map are padded with zeros at
    the bottom and on the right, and maps cut to the cells that the image touches; for a plain
    transformer, whose patches are large, they are enlarged to whole patches instead, so that maps
    cover just the image.

    Args:
        model: Name in timm, such as 'convnextv2_tiny' or, with the name of weights that 'hub'
            loads, 'vit_base_patch14_dinov2.lvd142m'.
        out_indices: Which of timm's maps are given, counted from 0; None as above.
        pretrained: Weights that `init_weights` loads: a file (of timm, DINOv2 or Transformers),
            'hub' (timm's own, by huggingface_hub), 'package' (an installed package that carries
            them); None for timm's random ones.
        in_chans: Bands of the images.
        frozen_stages: The stem and so many stages (of a plain transformer: blocks) after it do not
            learn; -1 for none, 0 for the stem alone.
        norm_eval: Whether BatchNorm keeps the statistics that it was loaded with.
        with_cp: Whether activations are computed again in the backward pass instead of kept.
        lora: Settings of adapters on attention, which learn in place of the encoder: see
            `add_lora`; None for none.
        settings: Further arguments of timm's model, `drop_path_rate` for example.

    Attributes:
        out_channels: C_i of each map.
        out_strides: s_i of each map, in pixels.
        patch_size: Side in pixels of the cells that images are brought to.
        fixed_size: Height and width of the only images that the encoder takes; None for any.
        mean: What timm says is to be subtracted from images for these weights, (3,) in [0, 255].
        std: What images are to be divided by then, (3,).

    Raises:
        UserError: timm has no such model, it gives no maps, or an argument does not fit.
    """

    # Those that are not its own are timm's, which refuses what it does not know.
    takes_any_setting = True

    def __init__(
        self,
        model: str,
        out_indices: Sequence[int] | None = None,
        pretrained: str | None = None,
        in_chans: int = 3,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        lora: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.name = model
        self.pretrained = pretrained
        self.is_pretrained = False
        self.norm_eval = norm_eval
        with torch.device('meta'):
            known = _arguments(_create(model))
        any_size = {key: value for key, value in _ANY_SIZE.items() if key in known}
        settings = {'in_chans': in_chans, **any_size, **settings}
        encoder = _create(model, **settings)
        if with_cp:
            encoder.set_grad_checkpointing(True)
        self.mean = tuple(255 * value for value in encoder.pretrained_cfg['mean'])
        self.std = tuple(255 * value for value in encoder.pretrained_cfg['std'])
        strides = [info['reduction'] for info in encoder.feature_info]
        indices = _choose_maps(strides) if out_indices is None else list(out_indices)
        _check_indices(indices, strides)
        self.out_channels = tuple(encoder.feature_info[index]['num_chs'] for index in indices)
        self.out_strides = tuple(strides[index] for index in indices)
        # a plain transformer's maps are meant to have passed its last norm layer
        self._is_plain = _is_plain(strides)
        self._indices = encoder.prune_intermediate_layers(indices, prune_norm=not self._is_plain)
        self.body = encoder
        self.patch_size = math.lcm(*self.out_strides)
        self.fixed_size = (
            None if _takes_any_size(model, settings) else _usual_size(settings, encoder)
        )
        _check_size(model, self.fixed_size, self.patch_size)
        # As it was built, to load pretrained weights into where adapters change its names.
        self._built_with, self._lora = settings, lora
        if lora is not None:
            add_lora(encoder, model, lora)
        self._frozen = _parts_up_to(encoder, frozen_stages)
        self._freeze()

    @property
    def token_size(self) -> int | None:
        """Side in pixels of a plain transformer's patches; None for other encoders."""
        return self.patch_size if self._is_plain else None

    def depths(self) -> dict[str, int]:
        """Tell how deep each parameter lies, by its name: 0 in the stem, then block by block.

        Raises:
            UserError: timm does not say how this encoder is made up.
        """
        return {f'body.{name}': depth for name, depth in _groups(self.body, coarse=False).items()}

    def init_weights(self) -> None:
        """Load the pretrained weights; without any, timm's random ones stay."""
        if self._lora is None or self.pretrained is None:
            self.is_pretrained = load_timm_weights(self.body, self.name, self.pretrained)
            return
        plain = _create(self.name, **self._built_with)
        plain.prune_intermediate_layers(self._indices, prune_norm=not self._is_plain)
        self.is_pretrained = load_timm_weights(plain, self.name, self.pretrained)
        load_under_lora(self.body, plain.state_dict())

    def forward(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract features.

        Args:
            img: Normalised images (B, in_chans, H, W).

        Returns:
            Maps (B, C_i, ceil(H/s_i), ceil(W/s_i)); smaller ones of an encoder that does not pad
            (Inception).

        Raises:
            UserError: The encoder takes images of one size alone, and these have another.
        """
        height, width = img.shape[-2:]
        if self.fixed_size not in (None, (height, width)):
            expected = '×'.join(map(str, self.fixed_size))
            raise UserError(
                f'{self.name} takes images of {expected} pixels alone (height×width), got '
                f'{height}×{width}: set model.backbone.img_size to the size of the crops, and test '
                "by windows of it (model.test_cfg.mode='slide')"
            )
        maps = self.body.forward_intermediates(
            self._whole_cells(img), self._indices, norm=self._is_plain, intermediates_only=True
        )
        return [
            _cut(features, _ceil_div(height, stride), _ceil_div(width, stride))
            for features, stride in zip(maps, self.out_strides, strict=True)
        ]

    def train(self, mode: bool = True) -> 'TimmBackbone':
        """Set the mode; what is frozen, and with `norm_eval` all BatchNorm, stays in eval mode."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _whole_cells(self, img: torch.Tensor) -> torch.Tensor:
        height, width = img.shape[-2:]
        cell = self.patch_size
        below, right = (_ceil_div(side, cell) * cell - side for side in (height, width))
        # A graph for any size can't go by the one that it is traced at.
        if not torch.compiler.is_exporting() and not below and not right:
            return img
        if self._is_plain:
            size = (height + below, width + right)
            return resize(img, size=size, mode='bilinear', align_corners=False)
        return F.pad(img, (0, right, 0, below))

    def _freeze(self) -> None:
        for name in self._frozen:
            self.body.get_parameter(name).requires_grad_(False)
        for module in self.body.modules() if self._frozen else ():
            parameters = [*module.parameters()]
            if parameters and not any(parameter.requires_grad for parameter in parameters):
                module.eval()


def _ceil_div(number: int, divisor: int) -> int:
    """Divide and round up, without the negative numbers that ONNX rounds the other way."""
    return (number + divisor - 1) // divisor


def _cut(maps: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return the upper left part of maps (B, C, h, w), or all where they are smaller."""
    # `narrow`, because the exporter of PyTorch 2.11 forgets how large a slice of an open size is
    rows, columns = (
        torch.sym_min(*sides) for sides in zip((height, width), maps.shape[-2:], strict=True)
    )
    return maps.narrow(-2, 0, rows).narrow(-1, 0, columns)


def _create(name: str, **settings: Any) -> Any:
    """Build a model of timm without its classifier."""
    architecture = name.partition('.')[0]
    if not timm.is_model(architecture):
        near = get_close_matches(architecture, timm.list_models(), n=5, cutoff=0.5)
        hint = f'near: {", ".join(near)}' if near else 'timm.list_models() lists what it has'
        raise UserError(f'timm has no model {name!r}; {hint}')
    try:
        model = timm.create_model(name, num_classes=0, **settings)
    except (TypeError, RuntimeError, AssertionError, ValueError) as error:
        raise UserError(f'TimmBackbone {name}: {error}') from error
    if not hasattr(model, 'forward_intermediates'):
        raise UserError(f'timm gives no feature maps of {name}; take another encoder')
    return model


def _arguments(model: nn.Module) -> set[str]:
    return set(inspect.signature(type(model).__init__).parameters)


def _takes_any_size(name: str, settings: Mapping[str, Any]) -> bool:
    """Try images of an unusual size, on the device that computes nothing."""
    with torch.device('meta'):
        model = _create(name, **settings).eval()
        side = math.lcm(*(info['reduction'] for info in model.feature_info))
        odd = torch.empty(1, settings['in_chans'], 5 * side, 6 * side)
        try:
            model.forward_intermediates(odd, intermediates_only=True)
        except (RuntimeError, AssertionError, ValueError):
            return False
    return True


def _usual_size(settings: Mapping[str, Any], model: Any) -> tuple[int, int]:
    size = settings.get('img_size') or model.pretrained_cfg['input_size'][1:]
    return (size, size) if isinstance(size, int) else tuple(size)


def _check_size(name: str, size: tuple[int, int] | None, patch_size: int) -> None:
    """Refuse an only size to which no image can be brought."""
    if size is not None and any(side % patch_size for side in size):
        near = ' or '.join(str(size[0] // patch_size * patch_size + d) for d in (0, patch_size))
        raise UserError(
            f'{name} takes images of {size[0]}×{size[1]} pixels alone, which are no whole number '
            f'of its patches of {patch_size} pixels: set model.backbone.img_size and the size of '
            f'the crops to a multiple, such as {near}'
        )


def _is_plain(strides: Sequence[int]) -> bool:
    return len(set(strides)) == 1


def _choose_maps(strides: Sequence[int]) -> list[int]:
    """Choose the maps of the customary strides, or some evenly spread over a plain transformer."""
    if _is_plain(strides):
        count = min(_PLAIN_MAPS, len(strides))
        return [len(strides) * (i + 1) // count - 1 for i in range(count)]
    customary = [index for index, stride in enumerate(strides) if stride in _STRIDES]
    return customary or [*range(len(strides))]


def _check_indices(indices: Sequence[int], strides: Sequence[int]) -> None:
    if not indices or not set(indices) <= set(range(len(strides))):
        raise UserError(
            f'out_indices={tuple(indices)}: expected some of 0 to {len(strides) - 1}, which give '
            f'maps of strides {strides}'
        )


def _parts_up_to(model: Any, stages: int) -> list[str]:
    """Name the parameters of the stem and of so many stages after it."""
    if stages < 0:
        return []
    return [name for name, stage in _groups(model, coarse=True).items() if stage <= stages]


def _groups(model: Any, coarse: bool) -> dict[str, int]:
    """Number timm's groups of parameters, stages or single blocks, from the image on."""
    if not hasattr(model, 'group_matcher'):
        raise UserError(
            f'timm does not say of which stages {type(model).__name__} is made: leave '
            'frozen_stages and layer_decay out'
        )
    return group_parameters(model, model.group_matcher(coarse=coarse), reverse=True)
