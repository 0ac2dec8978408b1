"""The head of fully convolutional networks."""

import pytest
import torch

from mmseg.models import build_head
from mmseg.utils.errors import UserError


def small_head(**settings):
    cfg = {'in_channels': 6, 'channels': 4, 'num_classes': 5, **settings}
    return build_head({'type': 'FCNHead', **cfg})


@pytest.mark.parametrize('kernel_size', [1, 3])
@pytest.mark.parametrize('dilation', [1, 6])
@pytest.mark.parametrize('num_convs', [1, 3])
def test_forward__keeps_the_size(kernel_size, dilation, num_convs):
    head = small_head(kernel_size=kernel_size, dilation=dilation, num_convs=num_convs)
    assert head([torch.randn(3, 6, 9, 7)]).shape == (3, 5, 9, 7)
    assert [conv.conv.in_channels for conv in head.convs] == [6, *(4,) * (num_convs - 1)]


def test_concat_input__what_came_in_is_first():
    head = small_head().eval()
    seen = []
    head.conv_cat.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    maps = torch.randn(3, 6, 9, 7)
    head([maps])
    assert torch.equal(seen[0][:, :6], maps)
    assert small_head(concat_input=False).conv_cat is None


def test_num_convs__none_at_all():
    head = small_head(num_convs=0, channels=6, concat_input=False)
    maps = torch.randn(3, 6, 9, 7)
    assert head.embed([maps]) is maps


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'num_convs': 0}, 'in_channels is 6, channels 4'),
        ({'num_convs': -1}, 'expected num_convs ≥ 0'),
        ({'dilation': 0}, 'dilation ≥ 1'),
    ],
)
def test_settings__mistake_is_named(settings, message):
    with pytest.raises(UserError, match=message):
        small_head(**settings)
