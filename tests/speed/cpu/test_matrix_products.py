"""Products are the same by either of PyTorch's libraries."""

import pytest
import torch
import torch.nn.functional as F

from mmseg.speed.cpu import matrix_products
from mmseg.speed.cpu.matrix_products import (
    add_product,
    had_better_convolve,
    linear,
    product,
    product_of_columns,
)

pytestmark = pytest.mark.parametrize('convolves', [True, False])


@pytest.fixture(autouse=True)
def processor(monkeypatch, convolves):
    """A processor that multiplies quicker by convolving, or not."""
    monkeypatch.setattr(matrix_products, 'convolutions_multiply_quicker', lambda: convolves)


@pytest.mark.parametrize('has_bias', [True, False])
@pytest.mark.parametrize('shape', [(3, 10, 6), (1, 1, 6), (2, 7, 6)])
def test_linear__is_a_linear_layer_with_its_gradients(shape, has_bias, convolves):
    torch.manual_seed(0)
    tokens = torch.randn(shape, requires_grad=True)
    weight = torch.randn(5, 6, requires_grad=True)
    bias = torch.randn(5, requires_grad=True) if has_bias else None
    inputs = [value for value in (tokens, weight, bias) if value is not None]
    out, expected = linear(tokens, weight, bias), F.linear(tokens, weight, bias)
    torch.testing.assert_close(out, expected)
    weighting = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(out, inputs, weighting),
        torch.autograd.grad(expected, inputs, weighting),
    )
    assert ('Convolution' in str(out.grad_fn.next_functions[0][0].next_functions)) == convolves


def test_linear__reads_maps_in_either_order(convolves):
    torch.manual_seed(0)
    maps, weight = torch.randn(2, 6, 4, 5), torch.randn(3, 6)
    expected = F.conv2d(maps, weight[:, :, None, None]).flatten(2).transpose(1, 2)
    for order in (torch.contiguous_format, torch.channels_last):
        tokens = maps.to(memory_format=order).flatten(2).transpose(1, 2)
        torch.testing.assert_close(linear(tokens, weight), expected)


def test_product__and_its_sum_and_transpose_are_those_of_matrices(convolves):
    torch.manual_seed(0)
    pixels, matrix, out = torch.randn(50, 8), torch.randn(12, 8).T, torch.randn(50, 12)
    torch.testing.assert_close(product(pixels, matrix), pixels @ matrix)
    torch.testing.assert_close(product_of_columns(out, pixels), out.T @ pixels)
    expected = out + pixels @ matrix
    add_product(out, pixels, matrix)
    torch.testing.assert_close(out, expected)


def test_add_product__goes_through_many_pixels_in_parts(convolves, monkeypatch):
    monkeypatch.setattr(matrix_products, '_NUM_PIXELS', 16)
    pixels, matrix, out = torch.randn(50, 8), torch.randn(8, 12), torch.zeros(50, 12)
    add_product(out, pixels, matrix)
    torch.testing.assert_close(out, pixels @ matrix)


def test_had_better_convolve__is_for_float32_on_a_cpu_outside_autocast(convolves):
    x = torch.zeros(1)
    assert had_better_convolve(x) == convolves
    assert not had_better_convolve(x.double())
    assert not had_better_convolve(x.bfloat16())
    assert not had_better_convolve(x.to('meta'))
    with torch.autocast('cpu', torch.bfloat16):
        assert not had_better_convolve(x)


def test_linear__follows_autocast(convolves):
    tokens, weight = torch.randn(2, 9, 6), torch.randn(5, 6)
    with torch.autocast('cpu', torch.bfloat16):
        out = linear(tokens, weight)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), linear(tokens, weight), rtol=0.05, atol=0.05)
