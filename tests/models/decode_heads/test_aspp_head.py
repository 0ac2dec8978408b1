"""DeepLabv3's head and DeepLabv3+'s."""

import pytest
import torch

from mmseg.models import build_head
from mmseg.utils.errors import UserError

MAPS = ((3, 17, 13), (5, 9, 7), (6, 9, 7))


def maps(batch=3):
    torch.manual_seed(0)
    return [torch.randn(batch, *size) for size in MAPS]


def small_head(kind, **settings):
    cfg = {'in_channels': 6, 'channels': 4, 'num_classes': 5, 'dilations': (1, 2), **settings}
    return build_head({'type': kind, **cfg}).eval()


def test_aspp__image_branch_comes_first():
    head = small_head('ASPPHead')
    seen = []
    head.bottleneck.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    assert head(maps()).shape == (3, 5, 9, 7)
    pooled = head.image_pool(maps()[2])
    torch.testing.assert_close(seen[0][:, :4], pooled.expand(-1, -1, 9, 7))
    assert seen[0].shape[1] == 3 * 4


def test_separable__is_refined_at_the_size_of_the_first_stage():
    head = small_head('DepthwiseSeparableASPPHead', c1_in_channels=3, c1_channels=2)
    seen = []
    head.sep_bottleneck.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    assert head(maps()).shape == (3, 5, 17, 13)
    assert torch.equal(seen[0][:, 4:], head.c1_bottleneck(maps()[0]))
    assert head.aspp_modules[1].depthwise_conv.conv.groups == 6


def test_separable__without_the_first_stage():
    head = small_head('DepthwiseSeparableASPPHead', c1_in_channels=0, c1_channels=2)
    assert head.c1_bottleneck is None
    assert head(maps()).shape == (3, 5, 9, 7)


def test_separable__negative_channels_are_refused():
    with pytest.raises(UserError, match='c1_in_channels is -1'):
        small_head('DepthwiseSeparableASPPHead', c1_in_channels=-1, c1_channels=2)


@pytest.mark.parametrize('kind', ['ASPPHead', 'DepthwiseSeparableASPPHead'])
def test_norm_cfg__may_be_none(kind):
    """Experiments switch the norm layers off: convolutions then have a bias."""
    extra = {'c1_in_channels': 3, 'c1_channels': 2} if kind[0] == 'D' else {}
    head = small_head(kind, norm_cfg=None, **extra)
    assert not [n for n, _ in head.named_buffers()]
    assert head.bottleneck.conv.bias is not None
