"""Parallel depthwise separable convolutions for CPUs, in the order and in pieces that suit oneDNN.

oneDNN's quick kernels convolve each channel by itself, forwards and without padding. The gradients
of such a convolution are such convolutions again, so all of it can be left to them: several times
as quick as PyTorch's own backward pass, and forwards where the dilation exceeds seven. All branches
of a pyramid work on some channels at a time. So nothing as large as the maps is kept between them,
and gradients add up where they still lie in a cache.

B images, C channels in, c channels of a piece, O channels out, h×w the size of maps, k the side of
a kernel.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable

from .matrix_products import add_product, product, product_of_columns

# Bytes of a piece: the system's allocator keeps it for the next one.
_PIECE_BYTES = 16 << 20

Weights = Sequence[torch.Tensor]


class PointwiseBranch:
    """A 1 × 1 convolution.

    Args:
        weight: (O, C).
    """

    def __init__(self, weight: torch.Tensor) -> None:
        self.weights = [weight]

    def make_room(self, maps: torch.Tensor) -> torch.Tensor:
        """Return room for the padded maps of any piece; here none is needed.

        Args:
            maps: The largest piece (B, c, h, w).
        """
        return maps.new_empty(0)

    def add(
        self,
        out: torch.Tensor,
        maps: torch.Tensor,
        weights: Weights,
        piece: slice,
        room: torch.Tensor,
    ) -> None:
        """Add what a piece of the channels contributes.

        Args:
            out: The result's pixels (B*h*w, O), changed in place.
            maps: The piece (B, c, h, w).
            weights: Their parts that belong to it.
            piece: Which of the C channels it holds.
            room: From `make_room`.
        """
        add_product(out, _to_pixels(maps), weights[-1].T)

    def pull(
        self,
        grad: torch.Tensor,
        maps: torch.Tensor,
        weights: Weights,
        grads: Weights,
        piece: slice,
        rooms: Sequence[torch.Tensor],
    ) -> torch.Tensor:
        """Return the gradient (B, c, h, w) of a piece of the channels.

        Args:
            grad: Gradient of the result's pixels (B*h*w, O).
            maps: The piece (B, c, h, w).
            weights: Their parts that belong to it.
            grads: The same parts of the weights' gradients, to be filled.
            piece: Which of the C channels it holds.
            rooms: Two from `make_room`.
        """
        grads[-1].copy_(product_of_columns(grad, _to_pixels(maps)))
        return _to_maps(product(grad, weights[-1]), maps)


class SeparableBranch(PointwiseBranch):
    """A depthwise convolution that keeps the size, batch norm, ReLU, and a 1 × 1 convolution.

    Args:
        depthwise: Kernels (C, 1, k, k), k odd.
        norm: Batch norm of the C channels in between.
        pointwise: (O, C).
        dilation: Of the depthwise convolution.
    """

    def __init__(
        self, depthwise: torch.Tensor, norm: nn.BatchNorm2d, pointwise: torch.Tensor, dilation: int
    ) -> None:
        self.weights = [depthwise, norm.weight, norm.bias, pointwise]
        self.statistics: tuple[Any, ...] = (norm.running_mean, norm.running_var)
        self.is_training, self.momentum, self.eps = norm.training, norm.momentum, norm.eps
        self.dilation = dilation
        self.reach = dilation * (depthwise.shape[2] // 2)

    def make_room(self, maps: torch.Tensor) -> torch.Tensor:
        """Return room (B, c, h + 2 reach, w + 2 reach) whose border is and stays zero."""
        height, width = (side + 2 * self.reach for side in maps.shape[2:])
        return maps.new_zeros(len(maps), height, width, maps.shape[1]).permute(0, 3, 1, 2)

    def add(
        self,
        out: torch.Tensor,
        maps: torch.Tensor,
        weights: Weights,
        piece: slice,
        room: torch.Tensor,
    ) -> None:
        """See `PointwiseBranch`."""
        depthwise, gamma, beta = weights[:3]
        mean, var = statistics = [values[piece] for values in self.statistics]
        padded = self._padded(maps, room)
        if self.is_training:
            hidden = self._normalized(self._convolve(padded, depthwise), weights, statistics)[0]
        else:
            scale = gamma * (var + self.eps).rsqrt()
            kernels = (depthwise * scale[:, None, None, None]).to(maps.dtype)
            hidden = self._convolve(padded, kernels, (beta - mean * scale).to(maps.dtype))
        super().add(out, hidden.relu_(), weights, piece, room)

    def pull(
        self,
        grad: torch.Tensor,
        maps: torch.Tensor,
        weights: Weights,
        grads: Weights,
        piece: slice,
        rooms: Sequence[torch.Tensor],
    ) -> torch.Tensor:
        """See `PointwiseBranch`."""
        depthwise, gamma = weights[:2]
        # In training the batch has statistics of its own, and the running ones are done with.
        statistics = [None if self.is_training else values[piece] for values in self.statistics]
        padded = self._padded(maps, rooms[0])
        maps = self._convolve(padded, depthwise)
        hidden, *of_batch = self._normalized(maps, weights, statistics)
        grad_hidden = super().pull(grad, hidden.relu_(), weights, grads, piece, rooms)
        torch.ops.aten.threshold_backward.grad_input(grad_hidden, hidden, 0, grad_input=grad_hidden)
        grad_maps, grad_gamma, grad_beta = torch.ops.aten.native_batch_norm_backward(
            grad_hidden,
            maps,
            gamma,
            *statistics,
            *of_batch,
            self.is_training,
            self.eps,
            [True, True, True],
        )
        grads[0].copy_(self._kernel_gradient(padded, grad_maps))
        grads[1].copy_(grad_gamma)
        grads[2].copy_(grad_beta)
        return self._convolve(self._padded(grad_maps, rooms[1]), depthwise.flip(2, 3))

    def _padded(self, maps: torch.Tensor, room: torch.Tensor) -> torch.Tensor:
        """Copy maps (B, c, h, w) into the room, which has zeros around them."""
        height, width = maps.shape[2:]
        if room.shape[1] > maps.shape[1]:
            room = self.make_room(maps)
        room.narrow(2, self.reach, height).narrow(3, self.reach, width).copy_(maps)
        return room

    def _convolve(
        self, padded: torch.Tensor, kernels: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        return F.conv2d(padded, kernels, bias, dilation=self.dilation, groups=len(kernels))

    def _kernel_gradient(self, padded: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:
        """Convolve each map with its gradient as the kernel and the dilation as the stride."""
        settings: dict[str, Any] = {'stride': self.dilation, 'groups': grad.shape[1]}
        pairs = zip(padded.split(1), grad.unsqueeze(2), strict=True)
        each = [F.conv2d(image, kernels, **settings) for image, kernels in pairs]
        return torch.cat(each).sum(0)[:, None]

    def _normalized(
        self, maps: torch.Tensor, weights: Weights, statistics: Sequence[torch.Tensor | None]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the normalised maps, and the batch's statistics that their gradient needs."""
        settings = self.is_training, self.momentum, self.eps
        return torch.ops.aten.native_batch_norm(maps, *weights[1:3], *statistics, *settings)


def separable_pyramid(x: torch.Tensor, branches: Sequence[PointwiseBranch]) -> list[torch.Tensor]:
    """Send maps through parallel branches.

    The backward pass computes again what lies within a branch.

    Args:
        x: Maps (B, C, h, w).
        branches: At least one.

    Returns:
        Each branch's maps (B, O, h, w) in channels-last order, in the type of autocast where that
        is on.
    """
    x = x.contiguous(memory_format=torch.channels_last)
    weights: Sequence[Weights] = [branch.weights for branch in branches]
    if torch.is_autocast_enabled('cpu'):
        dtype = torch.get_autocast_dtype('cpu')
        x = x.to(dtype)
        # Vectors belong to batch norms, which stay in float32.
        weights = [[w.to(dtype) if w.dim() > 1 else w for w in own] for own in weights]
    flat = [weight for own in weights for weight in own]
    return [_to_maps(pixels, x) for pixels in _Pyramid.apply(x, branches, *flat)]


class _Pyramid(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, branches: Sequence[PointwiseBranch], *flat: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.branches = branches
        ctx.save_for_backward(x, *flat)
        weights = _by_branch(branches, flat)
        outs = tuple(x.new_zeros(x[:, 0].numel(), len(own[-1])) for own in weights)
        largest = x[:, next(_pieces(x))]
        rooms = [branch.make_room(largest) for branch in branches]
        for piece in _pieces(x):
            maps = x[:, piece].contiguous(memory_format=torch.channels_last)
            for branch, own, out, room in zip(branches, weights, outs, rooms, strict=True):
                branch.add(out, maps, _of_piece(own, piece), piece, room)
        return outs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, *flat = ctx.saved_tensors
        flat_grads = [torch.empty_like(weight) for weight in flat]
        weights, grads = (_by_branch(ctx.branches, tensors) for tensors in (flat, flat_grads))
        largest = x[:, next(_pieces(x))]
        rooms = [[branch.make_room(largest) for _ in range(2)] for branch in ctx.branches]
        grad_x = torch.empty_like(x)
        for piece in _pieces(x):
            maps = x[:, piece].contiguous(memory_format=torch.channels_last)
            parts = (
                branch.pull(
                    grad, maps, _of_piece(own, piece), _of_piece(own_grads, piece), piece, own_rooms
                )
                for branch, grad, own, own_grads, own_rooms in zip(
                    ctx.branches, grad_outs, weights, grads, rooms, strict=True
                )
            )
            total = next(parts)
            for part in parts:
                total += part
            grad_x[:, piece] = total
        return grad_x, None, *flat_grads


def _to_pixels(maps: torch.Tensor) -> torch.Tensor:
    """View maps (B, C, h, w) in channels-last order as (B*h*w, C)."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def _to_maps(pixels: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """View pixels (B*h*w, C) as maps (B, C, h, w) of other maps' size."""
    return pixels.unflatten(0, (len(like), *like.shape[2:])).permute(0, 3, 1, 2)


def _by_branch(
    branches: Sequence[PointwiseBranch], flat: Sequence[torch.Tensor]
) -> list[Sequence[torch.Tensor]]:
    """Give each branch its part of all weights."""
    rest = iter(flat)
    return [[next(rest) for _ in branch.weights] for branch in branches]


def _of_piece(weights: Weights, piece: slice) -> Weights:
    """Return views on a piece of the C input channels: the last of the weights has them last."""
    return [*(weight[piece] for weight in weights[:-1]), weights[-1][:, piece]]


def _pieces(x: torch.Tensor) -> Iterator[slice]:
    """Yield the channels of x (B, C, h, w) in slices of some bytes."""
    for start in range(0, x.shape[1], _piece_size(x)):
        yield slice(start, start + _piece_size(x))


def _piece_size(x: torch.Tensor) -> int:
    size = _PIECE_BYTES // (x[:, :1].numel() * x.element_size())
    # Kernels work on 16 channels at a time.
    return min(max(size // 16 * 16, 16), x.shape[1])
