"""The convolution of many channels is PyTorch's."""

import importlib

import pytest
import torch
import torch.nn.functional as F

from mmseg.speed.cpu.wide_conv import wide_conv


@pytest.mark.parametrize('order', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('has_bias', [True, False])
@pytest.mark.parametrize('num_channels', [1, 5, 64])
def test_wide_conv__is_a_convolution_with_its_gradients(order, has_bias, num_channels, monkeypatch):
    monkeypatch.setattr(
        importlib.import_module('mmseg.speed.cpu.wide_conv'), '_NUM_CHANNELS', num_channels
    )
    torch.manual_seed(0)
    x = torch.randn(3, 12, 9, 7).to(memory_format=order).requires_grad_()
    weight = torch.randn(6, 12, 3, 3, requires_grad=True)
    bias = torch.randn(6, requires_grad=True) if has_bias else None
    out, expected = (conv(x, weight, bias, padding=(1, 1)) for conv in (wide_conv, F.conv2d))
    torch.testing.assert_close(out, expected)
    inputs = [value for value in (x, weight, bias) if value is not None]
    weighting = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(out, inputs, weighting),
        torch.autograd.grad(expected, inputs, weighting),
        rtol=1e-4,
        atol=1e-4,
    )


def test_wide_conv__follows_autocast():
    torch.manual_seed(0)
    x, weight = torch.randn(2, 12, 8, 8), torch.randn(6, 12, 3, 3, requires_grad=True)
    with torch.autocast('cpu', torch.bfloat16):
        out = wide_conv(x, weight, None, (1, 1))
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16
    assert weight.grad.dtype == torch.float32
    expected = wide_conv(x, weight, None, (1, 1))
    torch.testing.assert_close(out.float(), expected, rtol=0.1, atol=0.2)


def test_wide_conv__of_images_without_gradient_asks_for_none():
    x, weight = torch.randn(2, 3, 8, 8), torch.randn(6, 3, 3, 3, requires_grad=True)
    wide_conv(x, weight, None, (0, 0)).sum().backward()
    assert x.grad is None
    assert weight.grad.shape == weight.shape
