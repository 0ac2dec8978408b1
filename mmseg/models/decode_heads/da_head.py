"""DANet's head: attention among positions and among channels (Fu et al., CVPR 2019).

Legend: B images, C classes, D channels, h×w pixels.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule, Scale
from torch import nn

from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead, Decoded
from mmseg.models.decode_heads.self_attention import SelfAttention


class PositionAttention(SelfAttention):
    """Adds to every pixel what the pixels like it hold (section 3.2).

    Args:
        in_channels: Channels D in and out.
        channels: Channels of keys and queries.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(in_channels, channels, scaled=False)
        self.gamma = Scale(0.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, D, h, w) to (B, D, h, w)."""
        return self.gamma(super().forward(x)) + x


class ChannelAttention(nn.Module):
    """Adds to every channel what the channels unlike it hold (section 3.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = Scale(0.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (B, D, h, w) to (B, D, h, w)."""
        channels = x.flatten(2)
        # the published code takes the softmax of the greatest product minus the product
        attention = (-channels @ channels.transpose(1, 2)).softmax(dim=-1)
        return self.gamma((attention @ channels).unflatten(2, x.shape[2:])) + x


@HEADS.register_module()
class DAHead(BaseDecodeHead):
    """Sums a branch with position attention and one with channel attention (figure 2).

    Each branch has a classifier of its own; only that of the sum is used at test time. Losses are
    called 'pam_cam.loss_seg' for the sum, 'pam.loss_seg' and 'cam.loss_seg', accuracies likewise.

    Args:
        pam_channels: Channels of keys and queries in position attention.
        **kwargs: Settings of `BaseDecodeHead`.
    """

    main_name = 'pam_cam'

    pam: nn.Module
    pam_in_conv: nn.Module
    pam_out_conv: nn.Module
    pam_conv_seg: nn.Module
    cam: nn.Module
    cam_in_conv: nn.Module
    cam_out_conv: nn.Module
    cam_conv_seg: nn.Module

    def __init__(self, pam_channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        width = self.channels
        for name, attention in (
            ('pam', PositionAttention(width, pam_channels)),
            ('cam', ChannelAttention()),
        ):
            in_conv = ConvModule(self.in_channels, width, 3, padding=1, **self.layers)
            self.add_module(f'{name}_in_conv', in_conv)
            self.add_module(name, attention)
            out_conv = ConvModule(width, width, 3, padding=1, **self.layers)
            self.add_module(f'{name}_out_conv', out_conv)
            self.add_module(f'{name}_conv_seg', nn.Conv2d(width, self.num_classes, 1))

    @property
    def embedding_layer(self) -> nn.Module:
        """See the base class; both branches end alike."""
        return self.pam_out_conv

    def embed(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Sum the branches; see the base class."""
        position, channel = self._branches(inputs)
        return position + channel

    def decode(self, inputs: Sequence[torch.Tensor]) -> Decoded:
        """Embed and classify maps (B, C_i, h_i, w_i), the branches too."""
        position, channel = self._branches(inputs)
        branches = {
            'pam': self._classify(self.pam_conv_seg, position),
            'cam': self._classify(self.cam_conv_seg, channel),
        }
        embedding = position + channel
        return Decoded(self.cls_seg(embedding), embedding, branches)

    def _branches(self, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        x = self._transform_inputs(inputs)
        position = self.pam_out_conv(self.pam(self.pam_in_conv(x)))
        return position, self.cam_out_conv(self.cam(self.cam_in_conv(x)))
