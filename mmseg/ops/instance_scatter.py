"""Scattering instance similarities to classes at label size.

B images, N bank entries, C classes, h×w score size, H×W label size.
"""

import torch
import torch.nn.functional as F

from .resize import resize
from .row_strips import row_strips
from .similarity import normalize_scores, positive_sum


def scatter_scores(
    scores: torch.Tensor,
    bank_labels: torch.Tensor,
    num_classes: int,
    size: tuple[int, int],
    form: str = 'sum',
) -> torch.Tensor:
    """Upsample scores bilinearly, normalise them over the entries, add them up by class.

    No tensor of shape (B, N, H, W) is made: form 'sum' is linear up to its divisor, so classes are
    added up first; form 'softmax' goes in row strips.

    Args:
        scores: Similarity scores (B, N, h, w) before normalisation.
        bank_labels: Classes of the entries (N,) in [0, num_classes).
        num_classes: C.
        size: H and W in pixels.
        form: 'sum' or 'softmax'.

    Returns:
        Class distribution (B, C, H, W).
    """
    membership = F.one_hot(bank_labels, num_classes).to(scores.dtype)
    if form == 'sum':
        by_class = torch.einsum('bnhw,nc->bchw', scores, membership)
        by_class = resize(by_class, size, mode='bilinear', align_corners=False)
        return by_class / positive_sum(by_class, 1)
    by_class = scores.new_empty(len(scores), *size, num_classes)
    for image, maps in enumerate(scores.permute(0, 2, 3, 1).contiguous()):
        for strip in row_strips(maps, size):
            similarity = normalize_scores(strip.values, form, dim=-1)
            by_class[image, strip.lines] = similarity @ membership
    return by_class.permute(0, 3, 1, 2)
