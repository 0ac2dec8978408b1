"""1 × 1 convolutions as matrix products."""

import pytest
import torch
import torch.nn.functional as F

from mmseg.speed.cpu import matrix_products
from mmseg.speed.cpu.pointwise_conv import pointwise_conv

ORDERS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize('has_bias', [True, False])
@pytest.mark.parametrize('order_in', ORDERS)
def test_pointwise_conv__is_a_convolution_with_its_gradients(order_in, has_bias):
    torch.manual_seed(0)
    x = torch.randn(3, 6, 4, 5, dtype=torch.float64).to(memory_format=order_in).requires_grad_()
    weight = torch.randn(7, 6, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(7, dtype=torch.float64, requires_grad=True) if has_bias else None
    out = pointwise_conv(x, weight, bias)
    expected = F.conv2d(x, weight[..., None, None], bias)
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out, expected)
    inputs = [value for value in (x, weight, bias) if value is not None]
    weighting = torch.randn_like(expected)
    ours = torch.autograd.grad(out, inputs, weighting)
    theirs = torch.autograd.grad(expected, inputs, weighting)
    torch.testing.assert_close(ours, theirs)
    assert ours[0].is_contiguous(memory_format=order_in)


@pytest.mark.parametrize('order', ORDERS)
def test_pointwise_conv__is_the_same_by_either_library(order, monkeypatch):
    torch.manual_seed(0)
    x = torch.randn(3, 6, 4, 5).to(memory_format=order)
    weight, bias = torch.randn(7, 6), torch.randn(7)
    outs = []
    for convolves in (True, False):
        monkeypatch.setattr(matrix_products, 'convolutions_multiply_quicker', lambda c=convolves: c)
        outs.append(pointwise_conv(x, weight, bias))
        assert outs[-1].is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(*outs)


def test_pointwise_conv__follows_autocast():
    x, weight = torch.randn(2, 6, 4, 5), torch.randn(7, 6)
    with torch.autocast('cpu', torch.bfloat16):
        out = pointwise_conv(x, weight)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), pointwise_conv(x, weight), rtol=0.05, atol=0.05)
