"""What a network asks of its parts: a backbone, perhaps a neck, and heads.

Any `nn.Module` that has these methods can be registered and named in a config. What is asked of
other parts stands where they are at home: of losses in `mmseg.models.losses`, of pixel samplers in
`mmseg.core.pixel_sampling.BasePixelSampler`, of hooks in `mmseg.core.hooks.contract`, of data sets
in `mmseg.datasets.samplers.SampleStream`.

Legend: B images of H×W, C classes, D channels of the embedding; maps (B, C_i, h_i, w_i), the finest
first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch


@runtime_checkable
class Backbone(Protocol):
    """Turns images into maps of features.

    It takes images of any size and does not mix those of a batch. With an attribute `out_channels`,
    the channels of each map, necks and heads need not be told their `in_channels`. Where the config
    gives `pretrained`, weights or an address, it is an argument of the backbone's constructor.
    """

    def init_weights(self) -> None:
        """Draw the first weights, or load pretrained ones."""

    def forward(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """Extract features.

        Args:
            images: Normalised images (B, 3, H, W).

        Returns:
            A list of maps, the finest first; also of a single one.
        """


@runtime_checkable
class Neck(Protocol):
    """Changes the maps of a backbone before heads read them; `out_channels` as for a backbone."""

    def init_weights(self) -> None:
        """Draw the first weights."""

    def forward(self, inputs: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """Turn maps into a list of maps, the finest first."""


@runtime_checkable
class DecodeHead(Protocol):
    """Turns maps into logits, and measures its losses.

    `mmseg.models.decode_heads.BaseDecodeHead` has all of it: a subclass implements `embed`, or
    `forward` alone if it has no embedding.

    Attributes:
        num_classes: Classes C.
        align_corners: How its logits are enlarged, as in `torch.nn.functional.interpolate`.
        embed_channels: Channels D of the embedding; None for a head without, which the instance
            level cannot be used with.
    """

    num_classes: int
    align_corners: bool

    @property
    def embed_channels(self) -> int | None: ...

    def init_weights(self) -> None:
        """Draw the first weights."""

    def forward(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Turn maps into logits (B, C, h, w)."""

    def decoded(self, inputs: Sequence[torch.Tensor]) -> Any:
        """Turn maps into `Decoded`: logits, the embedding (B, D, h, w) and further logits."""

    def decoded_losses(
        self, decoded: Any, seg_label: torch.Tensor, seg_weight: torch.Tensor | None = None
    ) -> Mapping[str, torch.Tensor]:
        """Measure the losses of what `decoded` returned.

        Args:
            decoded: Logits of any size, and the rest.
            seg_label: Labels (B, 1, H, W), 255 where a pixel does not count.
            seg_weight: Weight of each pixel (B, H, W).

        Returns:
            Scalars by name: those with 'loss' in it are added up, the others logged.
        """

    def upsample(self, maps: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
        """Bring maps (B, *, h, w) to a size (H, W)."""
