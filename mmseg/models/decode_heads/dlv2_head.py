"""DeepLabv2's head: a sum of dilated classifiers (Chen et al., TPAMI 2017)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.aspp import ASPPModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead, Decoded
from mmseg.utils.errors import UserError


@HEADS.register_module()
class DLV2Head(BaseDecodeHead):
    """Classifies the backbone's map directly, so there is no embedding.

    Args:
        dilations: Dilation of each classifier; (6, 12) is the reduced form of earlier work.
        init_cfg: Accepted because published configs carry it; weights are drawn as it says.
        **kwargs: Settings of `BaseDecodeHead`, without channels, dropout_ratio and norm_cfg.
    """

    def __init__(
        self,
        dilations: Sequence[int] = (6, 12, 18, 24),
        init_cfg: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        unused = sorted({'channels', 'dropout_ratio', 'norm_cfg'} & set(kwargs))
        if unused:
            raise UserError(
                f'DLV2Head has no use for {", ".join(unused)}: its classifiers read the '
                "backbone's map; leave them out"
            )
        super().__init__(**kwargs, channels=1, dropout_ratio=0)
        del self.conv_seg
        self.aspp_modules = ASPPModule(
            dilations, self.in_channels, self.num_classes, conv_cfg=self.conv_cfg
        )

    @property
    def embed_channels(self) -> None:
        """None: there is no embedding."""
        return None

    def init_weights(self) -> None:
        """Draw the classifiers' weights."""
        for module in self.aspp_modules.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Refuse: there is no embedding."""
        raise UserError("DLV2Head has no embedding: it classifies the backbone's map directly")

    def decode(self, inputs: Sequence[torch.Tensor]) -> Decoded:
        """Classify the map (B, C_i, h_i, w_i) chosen by `in_index`."""
        first, *others = self.aspp_modules(self._transform_inputs(inputs))
        return Decoded(sum(others, start=first), None)
