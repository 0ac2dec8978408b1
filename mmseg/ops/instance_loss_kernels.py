"""Triton kernels of the instance loss; instance_loss_triton.py says how they share the work.

Pixels are y, x; cells are rows and columns of the embedding's grid. A pixel reads the cells `left`
and `right` of the rows `upper_row` and `lower_row`, with the shares `across` and `down` of the
second ones.
"""

import triton
import triton.language as tl


@triton.jit
def _bilinear(
    scores, upper_row, lower_row, left, right, down, across, entry, num_columns, num_entries, mask
):
    """Interpolate scores (rows, w, N) at pixels (P,) for entries (K,): (P, K)."""
    top = scores + upper_row * num_columns * num_entries
    bottom = scores + lower_row * num_columns * num_entries
    west = left[:, None] * num_entries + entry[None, :]
    east = right[:, None] * num_entries + entry[None, :]
    share = across[:, None]
    above = tl.load(top + west, mask, 0.0) * (1 - share) + tl.load(top + east, mask, 0.0) * share
    below = (
        tl.load(bottom + west, mask, 0.0) * (1 - share) + tl.load(bottom + east, mask, 0.0) * share
    )
    return above * (1 - down) + below * down


@triton.jit
def gradient_kernel(
    weak,
    strong,
    coefficients,
    labels,
    weak_max,
    scale,
    strong_logsum,
    mean,
    row_lower,
    row_weight,
    row_first,
    column_lower,
    column_weight,
    column_first,
    grad,
    partial,
    num_entries,
    num_classes,
    num_rows,
    num_columns,
    height,
    width,
    first_row,
    num_own_rows,
    first_read,
    num_read,
    eps,
    SOFTMAX: tl.constexpr,
    REACH_Y: tl.constexpr,
    REACH_X: tl.constexpr,
    CELLS: tl.constexpr,
    ENTRIES: tl.constexpr,
):
    """Write the gradient of the own rows (B, rows, w, N) and each program's part of the loss."""
    program = tl.program_id(0)
    tiles = tl.cdiv(num_columns, CELLS)
    image = (program // tiles // num_own_rows).to(tl.int64)
    own_row = program // tiles % num_own_rows
    row = first_row + own_row
    cell = program % tiles * CELLS + tl.arange(0, CELLS)
    entry = tl.program_id(1) * ENTRIES + tl.arange(0, ENTRIES)
    in_map, in_bank = cell < num_columns, entry < num_entries
    label = tl.load(labels + entry, in_bank, 0)
    weak += image * num_read * num_columns * num_entries
    strong += image * num_read * num_columns * num_entries
    first_y = tl.load(row_first + row)
    first_x = tl.load(column_first + cell, in_map, 0)
    total = tl.zeros([CELLS, ENTRIES], tl.float32)
    loss = tl.zeros([CELLS, ENTRIES], tl.float32)
    for step_y in range(REACH_Y):
        y = first_y + step_y
        line = tl.minimum(y, height - 1)
        upper_row = tl.load(row_lower + line)
        down = tl.load(row_weight + line)
        lower_row = tl.minimum(upper_row + 1, num_rows - 1)
        share_y = tl.where(upper_row == row, 1 - down, 0.0)
        share_y += tl.where(lower_row == row, down, 0.0)
        for step_x in range(REACH_X):
            x = first_x + step_x
            column = tl.minimum(x, width - 1)
            left = tl.load(column_lower + column)
            across = tl.load(column_weight + column)
            right = tl.minimum(left + 1, num_columns - 1)
            share_x = tl.where(left == cell, 1 - across, 0.0)
            share_x += tl.where(right == cell, across, 0.0)
            reads = in_map & (x < width) & (left <= cell) & (y < height) & (upper_row <= row)
            mask = reads[:, None] & in_bank[None, :]
            place = (
                upper_row - first_read,
                lower_row - first_read,
                left,
                right,
                down,
                across,
                entry,
                num_columns,
                num_entries,
                mask,
            )
            target = _bilinear(weak, *place)
            score = _bilinear(strong, *place)
            pixel = (image * height + line) * width + column
            of_class = (image * height + line) * num_classes + label[None, :]
            coefficient = tl.load(coefficients + of_class * width + column[:, None], mask, 0.0)
            if SOFTMAX:
                shift = tl.load(weak_max + pixel, reads, 0.0)[:, None]
                factor = tl.load(scale + pixel, reads, 0.0)[:, None]
                logsum = tl.load(strong_logsum + pixel, reads, 0.0)[:, None]
                middle = tl.load(mean + pixel, reads, 0.0)[:, None]
                target = coefficient * factor * tl.exp(target - shift)
                prediction = tl.exp(score - logsum)
                shifted = prediction + eps
                derivative = prediction * (middle - target / shifted)
            else:
                target = coefficient * target
                shifted = tl.where(mask, score, 1.0)
                derivative = -target / shifted
            total += tl.where(mask, derivative * share_y * share_x[:, None], 0.0)
            owned = mask & ((left == cell) & (upper_row == row))[:, None]
            loss -= tl.where(owned, target * tl.log(shifted), 0.0)
    out = ((image * num_own_rows + own_row) * num_columns + cell[:, None]) * num_entries
    tl.store(grad + out + entry[None, :], total, in_map[:, None] & in_bank[None, :])
    tl.store(partial + program * tl.num_programs(1) + tl.program_id(1), tl.sum(loss))


@triton.jit
def statistics_kernel(
    weak,
    strong,
    coefficients,
    labels,
    weak_max,
    scale,
    strong_logsum,
    mean,
    row_lower,
    row_weight,
    column_lower,
    column_weight,
    num_entries,
    num_classes,
    num_rows,
    num_columns,
    height,
    width,
    first_read,
    num_read,
    eps,
    CELLS: tl.constexpr,
    ENTRIES: tl.constexpr,
):
    """Write the statistics of neighbouring pixels, if the rows of scores that they read exist."""
    program = tl.program_id(0)
    tiles = tl.cdiv(width, CELLS)
    image = (program // tiles // height).to(tl.int64)
    y = program // tiles % height
    x = program % tiles * CELLS + tl.arange(0, CELLS)
    upper_row = tl.load(row_lower + y)
    lower_row = tl.minimum(upper_row + 1, num_rows - 1)
    is_there = (upper_row >= first_read) & (lower_row < first_read + num_read)
    reads = (x < width) & is_there
    down = tl.load(row_weight + y)
    left = tl.load(column_lower + x, reads, 0)
    across = tl.load(column_weight + x, reads, 0.0)
    right = tl.minimum(left + 1, num_columns - 1)
    weak += image * num_read * num_columns * num_entries
    strong += image * num_read * num_columns * num_entries
    top, bottom = upper_row - first_read, lower_row - first_read
    of_image = (image * height + y) * num_classes

    largest = tl.full([CELLS], -float('inf'), tl.float32)
    strong_largest = tl.full([CELLS], -float('inf'), tl.float32)
    weighed = tl.zeros([CELLS], tl.float32)
    exponentials = tl.zeros([CELLS], tl.float32)
    for start in range(0, num_entries, ENTRIES):
        entry = start + tl.arange(0, ENTRIES)
        mask = reads[:, None] & (entry < num_entries)[None, :]
        place = (top, bottom, left, right, down, across, entry, num_columns, num_entries, mask)
        label = tl.load(labels + entry, entry < num_entries, 0)
        of_class = (of_image + label[None, :]) * width + x[:, None]
        probability = tl.load(coefficients + of_class, mask, 0.0)
        score = tl.where(entry[None, :] < num_entries, _bilinear(weak, *place), -float('inf'))
        new = tl.maximum(largest, tl.max(score, 1))
        weighed *= tl.exp(largest - new)
        weighed += tl.sum(probability * tl.exp(score - new[:, None]), 1)
        largest = new
        score = tl.where(entry[None, :] < num_entries, _bilinear(strong, *place), -float('inf'))
        new = tl.maximum(strong_largest, tl.max(score, 1))
        exponentials *= tl.exp(strong_largest - new)
        exponentials += tl.sum(tl.exp(score - new[:, None]), 1)
        strong_largest = new
    # Where no class of the bank has any probability there is no target.
    factor = tl.where(weighed > 0, 1.0 / tl.where(weighed > 0, weighed, 1.0), 0.0)
    logsum = strong_largest + tl.log(exponentials)

    middle = tl.zeros([CELLS], tl.float32)
    for start in range(0, num_entries, ENTRIES):
        entry = start + tl.arange(0, ENTRIES)
        mask = reads[:, None] & (entry < num_entries)[None, :]
        place = (top, bottom, left, right, down, across, entry, num_columns, num_entries, mask)
        label = tl.load(labels + entry, entry < num_entries, 0)
        of_class = (of_image + label[None, :]) * width + x[:, None]
        probability = tl.load(coefficients + of_class, mask, 0.0)
        score = _bilinear(weak, *place)
        target = probability * factor[:, None] * tl.exp(score - largest[:, None])
        prediction = tl.exp(_bilinear(strong, *place) - logsum[:, None])
        middle += tl.sum(tl.where(mask, target * prediction / (prediction + eps), 0.0), 1)
    pixel = (image * height + y) * width + x
    tl.store(weak_max + pixel, largest, reads)
    tl.store(scale + pixel, factor, reads)
    tl.store(strong_logsum + pixel, logsum, reads)
    tl.store(mean + pixel, middle, reads)
