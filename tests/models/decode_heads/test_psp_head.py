"""PSPNet's head: means over regions."""

import torch

from mmseg.models import build_head
from mmseg.models.decode_heads.psp_head import PyramidPooling


def test_pyramid__branches_are_means_over_regions():
    pyramid = PyramidPooling((1, 2), 3, 4, align_corners=False, act_cfg=None)
    x = torch.randn(2, 3, 4, 6)
    same, whole, quarters = pyramid(x)
    assert same is x
    assert whole.shape == quarters.shape == (2, 4, 4, 6)
    mean = pyramid[0][1](x.mean((2, 3), keepdim=True))
    torch.testing.assert_close(whole, mean.expand(-1, -1, 4, 6))
    corner = pyramid[1][1](x[:, :, :2, :3].mean((2, 3), keepdim=True))
    torch.testing.assert_close(quarters[:, :, 0, 0], corner[:, :, 0, 0])


def test_forward__keeps_the_size():
    cfg = {'in_channels': 6, 'channels': 4, 'num_classes': 5, 'pool_scales': (1, 3)}
    head = build_head({'type': 'PSPHead', **cfg})
    assert head([torch.randn(3, 6, 9, 7)]).shape == (3, 5, 9, 7)
    assert head.bottleneck.conv.in_channels == 6 + 2 * 4
