"""Interlaced attention: which pixels it brings together, and how it is set up."""

import pytest
import torch
from torch import nn

from mmseg.models import build_head
from mmseg.models.decode_heads.interlaced_attention import InterlacedFusion, interlace

LAYERS = {'norm_cfg': {'type': 'BN'}, 'act_cfg': {'type': 'ReLU'}}


class GroupSum(nn.Module):
    """Gives every pixel the sum of its group, and remembers the groups' shape."""

    def forward(self, x):
        self.shape = tuple(x.shape)
        return x.sum((2, 3), keepdim=True).expand_as(x)


@pytest.mark.parametrize('size', [(8, 12), (7, 9), (3, 17)])
def test_interlace__puts_every_pixel_back(size):
    x = torch.randn(3, 2, *size)
    assert torch.equal(interlace(x, (4, 3), nn.Identity(), nn.Identity()), x)


def test_interlace__groups_are_the_same_place_of_all_windows_and_the_window():
    x = torch.zeros(1, 1, 4, 6)
    x[0, 0, 1, 2] = 1
    far, near = GroupSum(), GroupSum()
    spread = interlace(x, (2, 3), far, nn.Identity())
    assert far.shape == (6, 1, 2, 2)
    assert spread.nonzero()[:, 2:].tolist() == [[1, 2], [1, 5], [3, 2], [3, 5]]
    spread = interlace(x, (2, 3), nn.Identity(), near)
    assert near.shape == (4, 1, 2, 3)
    assert spread[0, 0].nonzero().tolist() == [[r, c] for r in (0, 1) for c in (0, 1, 2)]
    assert interlace(x, (2, 3), far, near).all()


def test_interlace__images_stay_apart():
    x = torch.randn(3, 2, 5, 7)
    together = interlace(x, (2, 3), GroupSum(), GroupSum())
    alone = [interlace(image[None], (2, 3), GroupSum(), GroupSum()) for image in x]
    torch.testing.assert_close(together, torch.cat(alone))


def test_interlace__padding_is_even_on_both_sides():
    seen = []
    far = nn.Identity()
    far.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0]))
    interlace(torch.ones(1, 1, 5, 8), (4, 8), far, nn.Identity())
    # 5 rows come to 8: one row of zeros above, two below
    rows = seen[0].reshape(4, 8, 2)[:, 0].T.flatten().tolist()
    assert rows == [0, 1, 1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize('kernel_size', [1, 3, None])
@pytest.mark.parametrize('cat', [False, True])
def test_fusion__keeps_the_size(kernel_size, cat):
    channels = 6 if kernel_size is None else 4
    settings = {'in_conv_kernel_size': kernel_size, 'out_cat_and_conv': cat}
    fusion = InterlacedFusion(6, channels, 3, (2, 3), **settings, **LAYERS)
    assert fusion(torch.randn(3, 6, 7, 10)).shape == (3, channels, 7, 10)
    assert (fusion.out_conv is not None) == cat


def test_head__joins_the_result_to_what_it_began_with():
    head = build_head(
        {'type': 'ISAHead', 'in_channels': 6, 'channels': 4, 'isa_channels': 3, 'num_classes': 5}
    ).eval()
    seen = []
    head.out_conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    maps = [torch.randn(3, 6, 7, 10)]
    assert head(maps).shape == (3, 5, 7, 10)
    assert torch.equal(seen[0][:, 4:], head.in_conv(maps[0]))
