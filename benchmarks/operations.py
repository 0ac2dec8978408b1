"""How many operations a piece of code takes, as PyTorch counts them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    conv_flop_count,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)


def operation_counter() -> FlopCounterMode:
    """Return a context that counts operations; `get_total_flops` tells how many."""
    aten = torch.ops.aten
    # PyTorch has no formula for attention on CPUs, which takes its arguments as a GPU's does.
    formulas = {
        aten.convolution_backward: _convolution_backward,
        aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    }
    return FlopCounterMode(display=False, custom_mapping=formulas)


def _convolution_backward(
    grad_shape: Sequence[int],
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    output_mask: Sequence[bool],
    **kwargs: Any,
) -> int:
    """Count as much for either gradient as for the convolution itself.

    PyTorch's own formula takes the weights' gradient of a grouped convolution for a dense one's:
    a thousand times too much for the depthwise ones of the decoder.
    """
    forward = conv_flop_count(list(input_shape), list(weight_shape), list(grad_shape), transposed)
    return forward * (int(output_mask[0]) + int(output_mask[1]))


def _attention(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], *args: Any, **kwargs: Any
) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(
    grad: Sequence[int],
    query: Sequence[int],
    key: Sequence[int],
    value: Sequence[int],
    *args: Any,
    **kwargs: Any,
) -> int:
    return sdpa_backward_flop_count(grad, query, key, value)
