"""ResNeXt: residual blocks whose 3×3 convolution has groups (Xie et al., CVPR 2017)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from mmseg.models.backbones.resnet import ResNet
from mmseg.models.backbones.resnet_blocks import Bottleneck, ResidualBlock
from mmseg.models.builder import BACKBONES


@BACKBONES.register_module()
class ResNeXt(ResNet):
    """ResNeXt, such as 32x4d with 32 groups of base width 4.

    Args:
        groups: Groups of the 3×3 convolutions.
        base_width: Channels of a group in the first stage.
        **kwargs: Settings of `ResNet`; the depth is 50, 101 or 152.
    """

    arch_settings: ClassVar[Mapping[int, tuple[type[ResidualBlock], tuple[int, ...]]]] = {
        depth: arch for depth, arch in ResNet.arch_settings.items() if arch[0] is Bottleneck
    }

    def __init__(self, groups: int = 1, base_width: int = 4, **kwargs: Any) -> None:
        self._width = {'groups': groups, 'base_width': base_width}
        super().__init__(**kwargs)

    def block_settings(self, base_channels: int) -> dict[str, Any]:
        """See the base class."""
        return {'base_channels': base_channels, **self._width}
