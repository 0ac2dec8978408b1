"""Attention among pixels against plain formulas."""

import pytest
import torch
from torch import nn

from mmseg.models.decode_heads.self_attention import SelfAttention

LAYERS = {'conv_cfg': None, 'norm_cfg': {'type': 'BN'}, 'act_cfg': {'type': 'ReLU'}}


def tokens(project, x):
    return project(x).flatten(2).transpose(1, 2)


@pytest.mark.parametrize(('scaled', 'scale'), [(True, 3**-0.5), (False, 1.0)])
def test_forward__equals_the_formula(scaled, scale):
    torch.manual_seed(0)
    attention = SelfAttention(6, 3, scaled=scaled)
    x = torch.randn(3, 6, 4, 5)
    query, key = tokens(attention.query_project, x), tokens(attention.key_project, x)
    weights = (query @ key.transpose(1, 2) * scale).softmax(-1)
    expected = (weights @ tokens(attention.value_project, x)).transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(attention(x), expected)


def test_projections__are_as_deep_as_asked_for():
    assert isinstance(SelfAttention(6, 3).key_project, nn.Conv2d)
    deep = SelfAttention(6, 3, 2, LAYERS)
    assert [conv.conv.in_channels for conv in deep.query_project] == [6, 3]
    assert isinstance(deep.value_project, nn.Conv2d)
    assert deep.value_project.out_channels == 6
