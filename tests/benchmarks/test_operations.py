"""Operations are counted as they are done."""

import pytest
import torch
from torch import nn

from benchmarks.operations import operation_counter


@pytest.mark.parametrize('groups', [1, 4, 16])
def test_operation_counter__counts_both_gradients_of_a_convolution_like_itself(groups):
    conv = nn.Conv2d(16, 16, 3, padding=1, groups=groups, bias=False)
    x = torch.randn(2, 16, 8, 8, requires_grad=True)
    with operation_counter() as counter:
        conv(x).sum().backward()
    forward = 2 * 2 * 8 * 8 * 16 * 16 // groups * 9
    assert counter.get_total_flops() == 3 * forward


def test_operation_counter__counts_attention_and_its_gradients():
    query, key, value = (
        torch.randn(2, 4, tokens, 8, requires_grad=True) for tokens in (32, 16, 16)
    )
    product = 2 * 2 * 4 * 32 * 16 * 8
    with operation_counter() as counter:
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        assert counter.get_total_flops() == 2 * product
        mixed.sum().backward()
    # The backward pass computes the scores again, and two gradients for each product.
    assert counter.get_total_flops() == 7 * product
