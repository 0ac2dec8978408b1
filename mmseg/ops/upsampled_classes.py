"""The classes of resized logits, without the resized logits.

B images, C classes; h×w before and H×W after bilinear resizing. Output rows are made in strips, a
few after another, from the input rows that they read.
"""

from collections.abc import Iterator, Sequence

import torch

from .resize import linear_taps, resize

# Resized values at a time: few enough for memory that is used again.
_STRIP_VALUES = 1 << 22


def upsampled_classes(
    logits: torch.Tensor, size: Sequence[int], align_corners: bool = False
) -> torch.Tensor:
    """Return the class of each pixel after bilinear resizing.

    Args:
        logits: Logits (B, C, h, w).
        size: Height H and width W, in pixels.
        align_corners: As in `torch.nn.functional.interpolate`.

    Returns:
        Index of the highest logit (B, H, W), int64.

    >>> logits = torch.tensor([[4.0, 0.0], [0.0, 1.0]]).view(1, 2, 1, 2)
    >>> upsampled_classes(logits, size=(1, 4))
    tensor([[[0, 0, 0, 1]]])
    """
    size_in = (int(logits.shape[2]), int(logits.shape[3]))
    classes = torch.empty(len(logits), *size, dtype=torch.int64, device=logits.device)
    for lines in strips_of(size, logits.shape[0] * logits.shape[1]):
        rows = rows_read(size_in[0], size[0], lines, align_corners)
        part = logits[:, :, rows]
        strip = resized_strip(part, rows, lines, size_in, size, align_corners)
        # argmax gives the same, several times slower on a CPU
        classes[:, lines] = strip.max(dim=1).indices
    return classes


def strips_of(size: Sequence[int], num_maps: int) -> Iterator[slice]:
    """Cut output rows into strips of at most some 4 million values, from top to bottom.

    Args:
        size: Height H and width W.
        num_maps: B · C.

    Yields:
        Output rows.

    >>> next(strips_of((1080, 1920), num_maps=19))
    slice(0, 114, None)
    """
    num_lines = max(1, _STRIP_VALUES // (num_maps * size[1]))
    for top in range(0, size[0], num_lines):
        yield slice(top, min(top + num_lines, size[0]))


def rows_read(num_in: int, num_out: int, lines: slice, align_corners: bool = False) -> slice:
    """Tell which input rows a strip of output rows reads.

    Args:
        num_in: Input rows h.
        num_out: Output rows H.
        lines: The strip.
        align_corners: As in `torch.nn.functional.interpolate`.

    >>> rows_read(4, 16, slice(0, 4))
    slice(0, 2, None)
    """
    if num_in == num_out:
        return lines
    if _is_repeated(num_in, num_out, lines, align_corners):
        factor = num_out // num_in
        first, last = lines.start // factor - 1, -(-lines.stop // factor) + 1
        return slice(max(first, 0), min(last, num_in))
    lower, upper, _ = linear_taps(num_in, num_out, align_corners=align_corners)
    return slice(int(lower[lines.start]), int(upper[lines.stop - 1]) + 1)


def resized_strip(
    maps: torch.Tensor,
    rows: slice,
    lines: slice,
    size_in: Sequence[int],
    size_out: Sequence[int],
    align_corners: bool = False,
) -> torch.Tensor:
    """Return a strip of maps after bilinear resizing.

    Where the height grows by a whole factor the values are those of resizing the whole, to the
    bit: the strip takes in the rows next to it, and cuts off what its own end would have changed.

    Args:
        maps: The input rows that the strip reads (B, C, n, w).
        rows: Which they are, from `rows_read`.
        lines: The output rows of the strip.
        size_in: Height h and width w of all the maps.
        size_out: Height H and width W of all the resized maps.
        align_corners: As in `torch.nn.functional.interpolate`.

    Returns:
        Values (B, C, N, W) of the N output rows.

    >>> maps, lines = torch.arange(4.0).view(1, 1, 4, 1), slice(0, 2)
    >>> rows = rows_read(4, 8, lines)
    >>> resized_strip(maps[:, :, rows], rows, lines, (4, 1), (8, 1)).flatten()
    tensor([0.0000, 0.2500])
    """
    num_in, num_out, num_lines = size_in[0], size_out[0], lines.stop - lines.start
    if tuple(size_in) == tuple(size_out):
        return maps
    if num_in != num_out and _is_repeated(num_in, num_out, lines, align_corners):
        factor = num_out // num_in
        height = (rows.stop - rows.start) * factor
        strip = resize(maps, (height, size_out[1]), mode='bilinear', align_corners=False)
        return strip.narrow(2, lines.start - rows.start * factor, num_lines)
    maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
    if num_in != num_out:
        taps = linear_taps(num_in, num_out, maps.device, align_corners)
        lower, upper, weight = (tap[lines] for tap in taps)
        above, below = (maps.index_select(2, index - rows.start) for index in (lower, upper))
        maps = torch.lerp(above, below, weight[:, None].to(maps.dtype))
    return resize(maps, (num_lines, size_out[1]), mode='bilinear', align_corners=align_corners)


def _is_repeated(num_in: int, num_out: int, lines: slice, align_corners: bool) -> bool:
    """Tell whether input rows repeat a whole number of times, and a strip spans one of them."""
    return (
        not align_corners
        and num_out % num_in == 0
        and lines.stop - lines.start >= num_out // num_in
    )
