"""The instance loss with its gradient as Triton kernels, for CUDA devices.

B images, N bank entries, C classes, D channels, h×w embedding size, H×W label size; the identities
are those of instance_loss_tiles.py. A program owns a few neighbouring cells of the embedding's grid
and some entries. It visits every pixel that reads one of its cells, works out the derivative there
and adds up what flows back, so that no two programs write to the same place: the result does not
depend on their order. The price, each pixel is visited by the owners of its four cells, is small
beside the traffic that it saves. Scores exist for a band of rows at a time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import triton

from .instance_loss_kernels import gradient_kernel, statistics_kernel
from .instance_loss_tiles import LOG_EPS, SCORE_FLOOR, PixelTerms, pixel_terms
from .resize import linear_taps
from .tiles import column_blocks

# Scores of a band, of both networks and their gradient: at most some 400 MB.
_BAND_VALUES = 1 << 25
# A program's tile. With twice as many entries registers spill to memory on some GPUs
# (benchmarks/kernel_resources.py).
_CELLS = 8
_ENTRIES = 32


class _Axis(NamedTuple):
    """How the pixels along one side read the cells along it.

    Attributes:
        lower: The first of the two cells that a pixel reads (num_pixels,) int32.
        weight: The share of the second one (num_pixels,).
        first: The first pixel that reads a cell (num_cells,) int32.
        reach: Pixels that read a cell, at most.
    """

    lower: torch.Tensor
    weight: torch.Tensor
    first: torch.Tensor
    reach: int


class _Statistics(NamedTuple):
    """What form 'softmax' knows of a pixel before its entries are visited; each (B, H, W).

    Attributes:
        weak_max: The largest of the teacher's scores.
        scale: 1 / Σ p_l exp(score − weak_max).
        strong_logsum: log Σ exp of the student's scores.
        mean: Σ q q̂ / (q + ε).
    """

    weak_max: torch.Tensor
    scale: torch.Tensor
    strong_logsum: torch.Tensor
    mean: torch.Tensor


def triton_loss_and_gradient(
    weak: torch.Tensor,
    strong: torch.Tensor,
    probs: torch.Tensor,
    bank: torch.Tensor,
    labels: torch.Tensor,
    form: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the instance loss, summed over the pixels, and its gradient.

    Arguments and results are those of `tiled_loss_and_gradient`, on a CUDA device.
    """
    if form == 'softmax':
        coefficients = probs.float().transpose(1, 2).contiguous()
        return _over_entries(weak, strong, coefficients, bank, bank, labels, form)
    terms = [_image_terms(*image, bank, labels) for image in zip(weak, strong, probs, strict=True)]
    coefficients = torch.stack([term.coefficients for term in terms])
    shifted = bank + LOG_EPS * bank.sum(0)
    loss, grad = _over_entries(weak, strong, coefficients, bank, shifted, labels, form)
    for image, term in enumerate(terms):
        grad[image] += term.grad
        loss += term.loss
    return loss, grad


def _image_terms(
    weak: torch.Tensor,
    strong: torch.Tensor,
    probs: torch.Tensor,
    bank: torch.Tensor,
    labels: torch.Tensor,
) -> PixelTerms:
    """Compute `pixel_terms` of a whole image."""
    (block,) = column_blocks(weak.shape[-1], probs.shape[-1], probs.shape[-1], weak.device)
    by_row = probs.float().transpose(0, 1)
    return pixel_terms(weak.float(), strong.float(), by_row, bank, labels, block)


def _over_entries(
    weak: torch.Tensor,
    strong: torch.Tensor,
    coefficients: torch.Tensor,
    weak_bank: torch.Tensor,
    strong_bank: torch.Tensor,
    labels: torch.Tensor,
    form: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add up over the entries, band by band; `coefficients` are (B, H, C, W).

    Returns the loss and its gradient (B, D, h, w) with respect to `strong`.
    """
    (batch, _, num_rows, num_columns), num_entries = strong.shape, len(labels)
    height, width = coefficients.shape[1], coefficients.shape[3]
    rows, columns = (
        _axis(*sizes, strong.device) for sizes in ((num_rows, height), (num_columns, width))
    )
    grad = torch.empty_like(strong, dtype=torch.float32)
    total = torch.zeros((), dtype=torch.float64, device=strong.device)
    for start, stop in _bands(num_rows, batch * num_columns * num_entries):
        read = slice(max(start - 1, 0), min(stop + 1, num_rows))
        weak_scores = _scores(weak[:, :, read], weak_bank)
        strong_scores = _scores(strong[:, :, read], strong_bank)
        inputs = (weak_scores, strong_scores, coefficients, labels)
        if form == 'softmax':
            statistics = _statistics(*inputs, rows, columns, read, num_rows)
        else:
            strong_scores.clamp_(min=SCORE_FLOOR)
            # Never read in this form; a kernel wants an address.
            statistics = _Statistics(*[coefficients] * 4)
        out = strong_scores.new_empty(batch, stop - start, num_columns, num_entries)
        grid = (
            batch * (stop - start) * triton.cdiv(num_columns, _CELLS),
            triton.cdiv(num_entries, _ENTRIES),
        )
        partial = out.new_empty(grid)
        gradient_kernel[grid](
            *inputs,
            *statistics,
            rows.lower,
            rows.weight,
            rows.first,
            columns.lower,
            columns.weight,
            columns.first,
            out,
            partial,
            num_entries,
            coefficients.shape[2],
            num_rows,
            num_columns,
            height,
            width,
            start,
            stop - start,
            read.start,
            read.stop - read.start,
            LOG_EPS,
            SOFTMAX=form == 'softmax',
            REACH_Y=rows.reach,
            REACH_X=columns.reach,
            CELLS=_CELLS,
            ENTRIES=_ENTRIES,
        )
        total += partial.sum(dtype=torch.float64)
        grad[:, :, start:stop] = (out @ strong_bank).permute(0, 3, 1, 2)
    return total, grad


def _statistics(
    weak: torch.Tensor,
    strong: torch.Tensor,
    coefficients: torch.Tensor,
    labels: torch.Tensor,
    rows: _Axis,
    columns: _Axis,
    read: slice,
    num_rows: int,
) -> _Statistics:
    """Fill the statistics of all pixels whose scores (B, rows, w, N) are there."""
    batch, height, num_classes, width = coefficients.shape
    statistics = _Statistics(*weak.new_empty(4, batch, height, width))
    grid = (batch * height * triton.cdiv(width, _CELLS),)
    statistics_kernel[grid](
        weak,
        strong,
        coefficients,
        labels,
        *statistics,
        rows.lower,
        rows.weight,
        columns.lower,
        columns.weight,
        len(labels),
        num_classes,
        num_rows,
        weak.shape[2],
        height,
        width,
        read.start,
        weak.shape[1],
        LOG_EPS,
        CELLS=_CELLS,
        ENTRIES=_ENTRIES,
    )
    return statistics


def _axis(num_cells: int, num_pixels: int, device: torch.device) -> _Axis:
    lower, _, weight = linear_taps(num_cells, num_pixels)
    cells = torch.arange(num_cells)
    first = torch.searchsorted(lower, cells - 1)
    reach = int((torch.searchsorted(lower, cells, right=True) - first).max())
    return _Axis(lower.int().to(device), weight.to(device), first.int().to(device), reach)


def _bands(num_rows: int, row_values: int) -> Iterator[tuple[int, int]]:
    """Cut rows of `row_values` scores into bands that fit."""
    size = max(_BAND_VALUES // row_values, 1)
    for start in range(0, num_rows, size):
        yield start, min(start + size, num_rows)


def _scores(embedding: torch.Tensor, bank: torch.Tensor) -> torch.Tensor:
    """Compare (B, D, rows, w) with (N, D): (B, rows, w, N), entries last."""
    return embedding.float().permute(0, 2, 3, 1).contiguous() @ bank.T
