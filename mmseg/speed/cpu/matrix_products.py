"""Matrix products on CPUs by whichever of PyTorch's libraries is quicker there.

A 1 × 1 convolution of maps in channels-last order is a product of their pixels with a matrix.

B batch, N tokens, P pixels, C channels in, O channels out.
"""

import torch
import torch.nn.functional as F
from torch.nn.grad import conv2d_weight

from mmseg.speed.cpu.processor import convolutions_multiply_quicker

# Pixels at a time where a product is added: few enough for memory that is used again.
_NUM_PIXELS = 1 << 13


def linear(
    tokens: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Do what `torch.nn.functional.linear` does.

    Args:
        tokens: (B, N, C).
        weight: (O, C).
        bias: (O,).

    Returns:
        (B, N, O), in the type of autocast where that is on.
    """
    if not had_better_convolve(tokens):
        return F.linear(tokens, weight, bias)
    maps = F.conv2d(_as_maps(tokens), weight[:, :, None, None], bias)
    return maps.squeeze(2).transpose(1, 2)


def product(pixels: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Return pixels (P, C) @ matrix (C, O)."""
    if had_better_convolve(pixels):
        return linear(pixels[None], matrix.T)[0]
    return pixels @ matrix


def add_product(out: torch.Tensor, pixels: torch.Tensor, matrix: torch.Tensor) -> None:
    """Add pixels (P, C) @ matrix (C, O) to out (P, O), in place."""
    if had_better_convolve(pixels):
        for some, part in zip(out.split(_NUM_PIXELS), pixels.split(_NUM_PIXELS), strict=True):
            some += product(part, matrix)
    else:
        out.addmm_(pixels, matrix)


def product_of_columns(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return left (P, O) transposed @ right (P, C): the gradient of a linear layer's weight."""
    if not had_better_convolve(left):
        return left.T @ right
    shape = torch.Size([left.shape[1], right.shape[1], 1, 1])
    maps = _as_maps(right[None]), _as_maps(left[None])
    return conv2d_weight(maps[0], shape, maps[1]).flatten(1)


def had_better_convolve(x: torch.Tensor) -> bool:
    """Say whether x is multiplied quicker by a convolution; what is traced is left as it is."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or torch.is_autocast_enabled('cpu'):
        return False
    return x.device.type == 'cpu' and x.dtype == torch.float32 and convolutions_multiply_quicker()


def _as_maps(tokens: torch.Tensor) -> torch.Tensor:
    """View tokens (B, N, C) as maps (B, C, 1, N) in channels-last order."""
    return tokens.transpose(1, 2).unsqueeze(2)
