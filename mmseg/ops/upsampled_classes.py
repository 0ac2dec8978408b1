"""The classes of upsampled logits, without the upsampled logits."""

from collections.abc import Sequence

import torch

from .resize import resize

# Upsampled values at a time: few enough for memory that is used again.
_STRIP_VALUES = 1 << 22


def upsampled_classes(
    logits: torch.Tensor, size: Sequence[int], align_corners: bool = False
) -> torch.Tensor:
    """Return the class of each pixel after bilinear upsampling.

    Where the height grows by a whole factor, strips of rows are upsampled one after another. They
    hold the values that the whole would hold: a strip takes in the rows next to it, and cuts off
    what the end of the strip itself would have changed.

    Args:
        logits: Logits (B, C, h, w).
        size: Height H and width W, in pixels.
        align_corners: As in `torch.nn.functional.interpolate`.

    Returns:
        Index of the highest logit (B, H, W), int64.
    """
    num_images, num_classes, height, _ = logits.shape
    if tuple(size) == tuple(logits.shape[2:]):
        return _classes(logits)
    factor, rest = divmod(size[0], height)
    if rest or align_corners:
        return _classes(resize(logits, size, mode='bilinear', align_corners=align_corners))
    classes = torch.empty(num_images, *size, dtype=torch.int64, device=logits.device)
    num_rows = max(1, _STRIP_VALUES // (num_images * num_classes * factor * size[1]))
    for top in range(0, height, num_rows):
        bottom = min(top + num_rows, height)
        first, last = max(top - 1, 0), min(bottom + 1, height)
        strip = resize(
            logits[:, :, first:last], ((last - first) * factor, size[1]), mode='bilinear'
        )
        kept = strip.narrow(2, (top - first) * factor, (bottom - top) * factor)
        classes[:, top * factor : bottom * factor] = _classes(kept)
    return classes


def _classes(logits: torch.Tensor) -> torch.Tensor:
    # argmax gives the same, several times slower on a CPU
    return logits.max(dim=1).indices
