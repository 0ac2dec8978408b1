"""DeepLabv2's head: a sum of classifiers, without embedding."""

import pytest
import torch

from mmseg.models import build_head, build_segmentor
from mmseg.utils.errors import UserError
from tests.models.networks import small_architecture


def small_head(**settings):
    return build_head({'type': 'DLV2Head', 'in_channels': 64, 'num_classes': 5, **settings})


@pytest.mark.parametrize('dilations', [(6,), (6, 12), (6, 12, 18, 24)])
def test_forward__is_the_sum_of_dilated_classifiers(dilations):
    head = small_head(dilations=dilations)
    maps = torch.randn(3, 64, 7, 9)
    expected = sum(
        torch.nn.functional.conv2d(
            maps, branch.conv.weight, branch.conv.bias, padding=dilation, dilation=dilation
        )
        for branch, dilation in zip(head.aspp_modules, dilations, strict=True)
    )
    torch.testing.assert_close(head([maps]), expected)


def test_init_weights__classifiers_start_near_zero():
    normal = {'type': 'Normal', 'std': 0.01, 'override': {'name': 'aspp_modules'}}
    head = small_head(init_cfg=normal)
    head.init_weights()
    for branch in head.aspp_modules:
        assert branch.conv.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert not branch.conv.bias.any()


@pytest.mark.parametrize('name', ['channels', 'dropout_ratio', 'norm_cfg'])
def test_settings__that_it_has_no_use_for_are_refused(name):
    with pytest.raises(UserError, match=f'DLV2Head has no use for {name}'):
        small_head(**{name: None})


def test_embedding__is_refused_by_head_and_segmentor():
    head = small_head()
    assert head.embed_channels is None
    with pytest.raises(UserError, match="DLV2Head has no embedding: it classifies the backbone's"):
        head.embed([torch.randn(1, 64, 4, 4)])
    network = build_segmentor(small_architecture('deeplabv2_r50-d8'))
    with pytest.raises(UserError, match=r'DLV2Head has no embedding, .* such as DAFormerHead'):
        _ = network.embed_channels
    assert network.eval().forward_embedding(torch.randn(1, 3, 64, 64)).embedding is None
