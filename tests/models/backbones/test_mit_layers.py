"""The layers of MiT against plain formulas."""

import torch
import torch.nn.functional as F

from mmseg.models.backbones.mit_layers import DepthwiseConv, EfficientAttention


def test_attention__equals_the_formula():
    torch.manual_seed(0)
    attention = EfficientAttention(6, 2, True, None, 0.0, 0.0, sr_ratio=2)
    tokens = torch.randn(3, 4 * 6, 6)
    grid = tokens.transpose(1, 2).reshape(3, 6, 4, 6)
    context = attention.norm(attention.sr(grid).flatten(2).transpose(1, 2))
    query = attention.q(tokens)
    key, value = attention.kv(context).chunk(2, dim=2)
    heads = []
    for channels in (slice(0, 3), slice(3, 6)):
        weights = query[..., channels] @ key[..., channels].transpose(1, 2) * 3**-0.5
        heads.append(weights.softmax(-1) @ value[..., channels])
    torch.testing.assert_close(attention(tokens, 4, 6), attention.proj(torch.cat(heads, dim=2)))


def test_depthwise_conv__borders_are_padded_with_zeros():
    conv = DepthwiseConv(4)
    tokens = torch.randn(3, 3 * 5, 4)
    maps = F.pad(tokens.transpose(1, 2).reshape(3, 4, 3, 5), (1, 1, 1, 1))
    expected = F.conv2d(maps, conv.dwconv.weight, conv.dwconv.bias, groups=4)
    torch.testing.assert_close(conv(tokens, 3, 5), expected.flatten(2).transpose(1, 2))
