"""The instance loss with its gradient, tile by tile, on any device.

B images, N bank entries f_k of class l_k, C classes, D channels, h×w embedding size, H×W label
size; blocks and strips as in tiles.py. U is the upsampling, Uᵀ its transpose, ε the 1e-10 in the
logarithm, e_w and e_s are the embeddings of teacher and student.

Form 'sum'. With F = Σ_k f_k and F_c its part of class c, three identities leave one logarithm, one
product and one quotient to do for each entry and pixel:

    log(s_k / S + ε) = log u_k − log S, where S = U(e_s·F) and u_k = U(e_s·(f_k + ε F)),
    q̂_k = a_{l_k} U(e_w·f_k), where a_c = p_c / Σ_c p_c U(e_w·F_c) knows no entries,
    ∂L/∂u_k = −q̂_k / u_k and ∂L/∂S = Σ_k q̂_k / S.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from .resize import linear_matrix
from .similarity import positive_sum
from .tiles import ColumnBlock, RowStrip, StripAdjoint, tiling, upsampled_strips

LOG_EPS = 1e-10
# Keeps logarithms finite where an embedding is zero; far below any score that counts.
SCORE_FLOOR = 1e-36

# (weak (R, N, V), strong (R, N, V), gathered (R, N, V)) → loss; the loss's derivative with respect
# to the strong scores, times −1, is left in `weak`.
_TileLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class PixelTerms(NamedTuple):
    """What the entries of a block's pixels have in common.

    Attributes:
        coefficients: a_c (H, C, V), what entries of class c are multiplied by.
        loss: The part of the loss without entries.
        grad: Its gradient with respect to e_s (D, h, v).
    """

    coefficients: torch.Tensor
    loss: torch.Tensor
    grad: torch.Tensor


def tiled_loss_and_gradient(
    weak: torch.Tensor,
    strong: torch.Tensor,
    probs: torch.Tensor,
    bank: torch.Tensor,
    labels: torch.Tensor,
    form: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the instance loss, summed over the pixels, and its gradient.

    Args:
        weak: The teacher's embedding (B, D, h, w), of any floating point type.
        strong: The student's embedding (B, D, h, w).
        probs: Class probabilities (B, C, H, W).
        bank: Entries (N, D) float32.
        labels: Their classes (N,).
        form: 'sum' or 'softmax'.

    Returns:
        Loss, a scalar float64, and gradient with respect to `strong` (B, D, h, w) float32.

    >>> sure, torn = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).view(2, 1, 2, 1, 1)
    >>> entries, classes = torch.eye(2), torch.tensor([0, 1])
    >>> loss, grad = tiled_loss_and_gradient(sure, torn, sure, entries, classes, 'sum')
    >>> loss.float(), grad.flatten()
    (tensor(0.6931), tensor([-0.5000,  0.5000]))
    """
    weak, strong = weak.contiguous(), strong.contiguous()
    strips, blocks = tiling(len(bank), strong.shape[-2:], probs.shape[-2:], strong.device)
    block_loss = _softmax_block if form == 'softmax' else _sum_block
    total = torch.zeros((), dtype=torch.float64, device=strong.device)
    grad = torch.zeros_like(strong, dtype=torch.float32)
    for image in range(len(strong)):
        for block in blocks:
            loss, block_grad = block_loss(
                weak[image, ..., block.cells].float(),
                strong[image, ..., block.cells].float(),
                probs[image, ..., block.pixels].float().transpose(0, 1).contiguous(),
                bank,
                labels,
                strips,
                block,
            )
            total += loss
            grad[image, ..., block.cells] += block_grad
    return total, grad


def _sum_block(
    weak: torch.Tensor,
    strong: torch.Tensor,
    probs: torch.Tensor,
    bank: torch.Tensor,
    labels: torch.Tensor,
    strips: list[RowStrip],
    block: ColumnBlock,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return loss and gradient (D, h, v) of a block of one image, form 'sum'.

    `weak` and `strong` are (D, h, v), `probs` (H, C, V).
    """
    shifted = bank + LOG_EPS * bank.sum(0)
    terms = pixel_terms(weak, strong, probs, bank, labels, block)
    loss, grad = _sum_over_entries(
        _scores(bank, weak),
        _scores(shifted, strong).clamp_(min=SCORE_FLOOR),
        terms.coefficients,
        labels,
        strips,
        block,
        _sum_tile,
    )
    from_entries = (shifted.T @ grad.flatten(1)).view_as(strong)
    return terms.loss + loss, terms.grad - from_entries


def pixel_terms(
    weak: torch.Tensor,
    strong: torch.Tensor,
    probs: torch.Tensor,
    bank: torch.Tensor,
    labels: torch.Tensor,
    block: ColumnBlock,
) -> PixelTerms:
    """Compute what does not depend on single entries, form 'sum'.

    Args:
        weak: e_w of a block of one image (D, h, v) float32.
        strong: e_s (D, h, v) float32.
        probs: p (H, C, V) float32.
        bank: Entries (N, D) float32.
        labels: Their classes (N,).
        block: The block.

    Returns:
        The terms.

    >>> _, (block,) = tiling(2, (1, 1), (1, 1), torch.device('cpu'))
    >>> sure, torn = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).view(2, 2, 1, 1)
    >>> probs, entries, classes = sure.view(1, 2, 1), torch.eye(2), torch.tensor([0, 1])
    >>> pixel_terms(sure, torn, probs, entries, classes, block).coefficients.flatten()
    tensor([1., 0.])
    """
    heighten = linear_matrix(weak.shape[1], len(probs), weak.device)

    def upsampled_scores(entries: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        wide = (_scores(entries, embedding) @ block.matrix).transpose(0, 1)
        return (heighten @ wide.flatten(1)).unflatten(1, wide.shape[1:])

    everything = bank.sum(0, keepdim=True)
    by_class = F.one_hot(labels, probs.shape[1]).T.float() @ bank
    totals = upsampled_scores(everything, strong)
    normalizer = (upsampled_scores(by_class, weak) * probs).sum(1, keepdim=True)
    # Σ q̂ is 1, or 0 where the teacher's embedding resembles no entry.
    share = (normalizer > 0).float()
    # A pixel whose embedding is zero has no direction to move in: no gradient.
    blank = totals <= 0
    tiny = torch.finfo(probs.dtype).tiny
    coefficients = (probs / normalizer.clamp(min=tiny)).masked_fill_(blank, 0)
    logs = totals.log().masked_fill_(blank, -math.log(LOG_EPS))
    derivative = (share / totals).masked_fill_(blank, 0)
    grad = heighten.T @ derivative[:, 0] @ block.matrix.T
    loss = (share * logs).sum(dtype=torch.float64)
    return PixelTerms(coefficients, loss, everything.T[..., None] * grad)


def _softmax_block(
    weak: torch.Tensor,
    strong: torch.Tensor,
    probs: torch.Tensor,
    bank: torch.Tensor,
    labels: torch.Tensor,
    strips: list[RowStrip],
    block: ColumnBlock,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return loss and gradient (D, h, v) of a block, form 'softmax'; as `_sum_block`."""
    loss, grad = _sum_over_entries(
        _scores(bank, weak), _scores(bank, strong), probs, labels, strips, block, _softmax_tile
    )
    return loss, (bank.T @ grad.flatten(1)).view_as(strong).neg_()


def _sum_over_entries(
    weak: torch.Tensor,
    strong: torch.Tensor,
    coefficients: torch.Tensor,
    labels: torch.Tensor,
    strips: list[RowStrip],
    block: ColumnBlock,
    tile_loss: _TileLoss,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Go through a block's strips with scores (N, h, v) and class coefficients (H, C, V).

    Returns the loss and its negative gradient with respect to the strong scores (N, h, v).
    """
    total = torch.zeros((), dtype=torch.float64, device=weak.device)
    adjoint = StripAdjoint(len(weak), weak.shape[1], block)
    num_lines = max(len(strip.weights) for strip in strips)
    buffer = weak.new_empty(num_lines, len(labels), block.matrix.shape[1])
    weak_strips, strong_strips = (upsampled_strips(m, strips, block) for m in (weak, strong))
    for strip, weak_tile, strong_tile in zip(strips, weak_strips, strong_strips, strict=True):
        gathered = buffer[: len(strip.weights)]
        torch.index_select(coefficients[strip.lines], 1, labels, out=gathered)
        total += tile_loss(weak_tile, strong_tile, gathered)
        adjoint.add(strip, weak_tile)
    return total, adjoint.finish()


def _sum_tile(weak: torch.Tensor, strong: torch.Tensor, gathered: torch.Tensor) -> torch.Tensor:
    """Compute −Σ q̂ log u; see `_TileLoss`."""
    target = weak.mul_(gathered)
    logs = torch.log(strong, out=gathered)
    loss = -torch.dot(target.flatten(), logs.flatten())
    target.div_(strong)
    return loss


def _softmax_tile(weak: torch.Tensor, strong: torch.Tensor, gathered: torch.Tensor) -> torch.Tensor:
    """Compute −Σ q̂ log(q + ε); see `_TileLoss`."""
    target = torch.softmax(weak, 1, out=weak).mul_(gathered)
    target /= positive_sum(target, 1)
    prediction = torch.softmax(strong, 1, out=strong)
    shifted = torch.add(prediction, LOG_EPS, out=gathered)
    ratio_times_prediction = prediction * (target / shifted)
    loss = -torch.dot(target.flatten(), shifted.log_().flatten())
    mean = ratio_times_prediction.sum(1, keepdim=True)
    torch.addcmul(ratio_times_prediction, prediction, mean, value=-1, out=weak)
    return loss


def _scores(bank: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
    """Compare (N, D) with (D, h, v): (N, h, v)."""
    return (bank @ embedding.flatten(1)).unflatten(1, embedding.shape[1:])
