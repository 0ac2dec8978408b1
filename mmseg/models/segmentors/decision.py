"""From the logits of views to each pixel's class, in strips of rows.

Nothing of the size (C, H, W) exists on the way. Legend: B images, C classes, H×W their size.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch

from mmseg.ops.upsampled_classes import resized_strip, rows_read, strips_of

from .view_rows import ViewRows, WholeRows

_UINT8_CLASSES = 256


class Decision(NamedTuple):
    """What is seen in a batch of images.

    Attributes:
        labels: Classes (B, H, W), uint8 where their number allows.
        confidence: Mean probability of that class (B, H, W) float32 in [0, 1], where asked for.
    """

    labels: torch.Tensor
    confidence: torch.Tensor | None


def decide(
    views: Sequence[Callable[[], ViewRows]],
    shape: Sequence[int],
    num_classes: int,
    align_corners: bool = False,
    with_confidence: bool = False,
    is_one_by_one: bool = False,
) -> Decision:
    """Take each pixel's likeliest class by the mean probability of views.

    Args:
        views: Open each view.
        shape: B, H, W.
        num_classes: C.
        align_corners: How logits are resized.
        with_confidence: Whether the probability of that class is wanted too.
        is_one_by_one: Whether to close a view before the next one opens, for which sums of
            probabilities (B, C, H, W) are kept.

    Returns:
        Classes and their probabilities.
    """
    size, num_maps = (int(shape[1]), int(shape[2])), int(shape[0]) * num_classes
    sources: list[ViewRows]
    if is_one_by_one and len(views) > 1:
        mean = _mean_probabilities(views, size, num_maps, align_corners)
        sources, are_logits = [WholeRows(mean, [{}])], False
    else:
        sources, are_logits = [view() for view in views], True
    are_compared = are_logits and (with_confidence or len(sources) > 1)
    labels = confidence = None
    for lines in strips_of(size, num_maps):
        parts = (_resized(source, lines, size, align_corners) for source in sources)
        # A single view's logits rank as its probabilities do.
        strips = [part.float().softmax(1) for part in parts] if are_compared else list(parts)
        most, index = sum(strips[1:], strips[0]).max(dim=1)
        if labels is None:
            dtype = torch.uint8 if num_classes <= _UINT8_CLASSES else torch.int64
            labels = torch.empty(*shape, dtype=dtype, device=index.device)
            confidence = torch.empty(*shape, device=index.device) if with_confidence else None
        labels[:, lines] = index.to(labels.dtype)
        if confidence is not None:
            confidence[:, lines] = most / len(sources)
    assert labels is not None
    return Decision(labels, confidence)


def strips_of_probabilities(
    views: Sequence[Callable[[], ViewRows]],
    size: Sequence[int],
    num_maps: int,
    align_corners: bool = False,
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield the mean probabilities of views, strip by strip from top to bottom.

    Args:
        views: Open each view.
        size: H, W.
        num_maps: B·C.
        align_corners: How logits are resized.

    Yields:
        Rows, and their probabilities (B, C, n, W).
    """
    sources = [view() for view in views]
    for lines in strips_of(size, num_maps):
        strips = [
            _resized(source, lines, size, align_corners).float().softmax(1) for source in sources
        ]
        yield lines, sum(strips[1:], strips[0]) / len(strips)


def _mean_probabilities(
    views: Sequence[Callable[[], ViewRows]], size: Sequence[int], num_maps: int, align_corners: bool
) -> torch.Tensor:
    total = None
    for view in views:
        source = view()
        for lines in strips_of(size, num_maps):
            probs = _resized(source, lines, size, align_corners).float().softmax(1)
            if total is None:
                total = probs.new_zeros(*probs.shape[:2], *size)
            total[:, :, lines] += probs / len(views)
    assert total is not None
    return total


def _resized(
    source: ViewRows, lines: slice, size: Sequence[int], align_corners: bool
) -> torch.Tensor:
    """Return output rows (B, C, N, W) of a view."""
    rows = rows_read(source.size[0], size[0], lines, align_corners)
    return resized_strip(source.rows(rows), rows, lines, source.size, size, align_corners)
