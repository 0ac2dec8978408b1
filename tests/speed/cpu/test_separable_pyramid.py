"""The pyramid for CPUs is the one that PyTorch's layers make."""

import copy
import importlib

import pytest
import torch
from torch import nn

from mmseg.core.settings import SpeedSettings
from mmseg.models.decode_heads.aspp import ASPPModule
from mmseg.speed import quicken
from mmseg.speed.cpu import matrix_products
from mmseg.speed.cpu.layers import is_pyramid

LAYERS = {'norm_cfg': {'type': 'BN'}, 'act_cfg': {'type': 'ReLU'}}


def quick(module):
    return quicken(module, torch.device('cpu'), SpeedSettings())


def pyramid(dilations=(1, 6, 12), channels=20, dtype=torch.float64):
    return quick(plain_pyramid(dilations, channels, dtype))


def plain_pyramid(dilations=(1, 6, 12), channels=20, dtype=torch.float64):
    torch.manual_seed(0)
    module = ASPPModule(dilations, channels, 8, sep=True, **LAYERS).to(dtype)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight)
            nn.init.normal_(layer.bias)
    return module


def outcome(module, x):
    """Return the results, their input's gradient, and gradients and buffers of the module."""
    x = x.clone().requires_grad_()
    out = module.joined(x)
    out.backward(torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out).sin())
    return [out, x.grad, *(p.grad for p in module.parameters()), *module.buffers()]


@pytest.mark.parametrize('is_training', [True, False])
@pytest.mark.parametrize('size', [(9, 14), (1, 3), (16, 16)])
def test_pyramid__has_results_gradients_and_statistics_of_single_layers(size, is_training):
    ours, plain = (module.train(is_training) for module in (pyramid(), plain_pyramid()))
    x = torch.randn(3, 20, *size, dtype=torch.float64)
    for got, expected in zip(outcome(ours, x), outcome(plain, x), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-8)


def test_pyramid__is_the_same_by_either_library(monkeypatch):
    module, x = pyramid(dtype=torch.float32), torch.randn(2, 20, 12, 10)
    outcomes = []
    for convolves in (True, False):
        monkeypatch.setattr(matrix_products, 'convolutions_multiply_quicker', lambda c=convolves: c)
        outcomes.append(outcome(copy.deepcopy(module), x))
    for got, expected in zip(*outcomes, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('channels', [16, 33, 70])
def test_pyramid__is_the_same_in_pieces_of_any_size(channels, monkeypatch):
    module = pyramid(channels=channels)
    x = torch.randn(2, channels, 8, 8, dtype=torch.float64)
    whole = outcome(copy.deepcopy(module), x)
    module_of_op = importlib.import_module('mmseg.speed.cpu.separable_pyramid')
    monkeypatch.setattr(module_of_op, '_PIECE_BYTES', 1)
    for got, expected in zip(outcome(module, x), whole, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-8)


def test_pyramid__reads_maps_in_channels_last_order():
    module = pyramid()
    x = torch.randn(2, 20, 8, 6, dtype=torch.float64)
    expected = outcome(copy.deepcopy(module), x)
    for got, value in zip(
        outcome(module, x.to(memory_format=torch.channels_last)), expected, strict=True
    ):
        torch.testing.assert_close(got, value, rtol=1e-8, atol=1e-8)


def test_pyramid__follows_autocast():
    module = pyramid(dtype=torch.float32)
    x = torch.randn(2, 20, 12, 12)
    expected = outcome(copy.deepcopy(module), x)
    with torch.autocast('cpu', torch.bfloat16):
        half = module.joined(x)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected[0], rtol=0.05, atol=0.05)


def test_pyramid__keeps_nothing_as_large_as_its_input_for_the_backward_pass():
    module = pyramid(channels=40)
    x = torch.randn(2, 40, 32, 32, dtype=torch.float64).to(memory_format=torch.channels_last)
    x.requires_grad_()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        module.joined(x)
    large = {t.data_ptr() for t in kept if t.numel() >= x.numel()}
    assert large == {x.data_ptr()}


def test_pyramid__of_unusual_layers_is_left_to_them():
    assert is_pyramid(pyramid())
    other = quick(ASPPModule((1, 6), 4, 4, sep=True, **{**LAYERS, 'act_cfg': {'type': 'GELU'}}))
    assert not is_pyramid(other)
    assert other(torch.randn(2, 4, 8, 8))[1].shape == (2, 4, 8, 8)
    dense = quick(ASPPModule((1, 6), 4, 4, sep=False, **LAYERS))
    assert not is_pyramid(dense)


def test_pyramid__gives_one_map_a_branch():
    module = pyramid()
    x = torch.randn(1, 20, 5, 7, dtype=torch.float64)
    outs = module(x)
    assert [tuple(out.shape) for out in outs] == [(1, 8, 5, 7)] * 3


def test_pyramid__runs_twice_before_its_backward_pass():
    module, x = pyramid(), torch.randn(2, 20, 8, 8, dtype=torch.float64)
    single = copy.deepcopy(module)
    (module.joined(x).sum() + module.joined(2 * x).sum()).backward()
    for factor in (1, 2):
        single.joined(factor * x).sum().backward()
    for ours, expected in zip(module.parameters(), single.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, expected.grad)
