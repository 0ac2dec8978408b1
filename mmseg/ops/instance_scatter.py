"""Scattering instance similarities to classes at label size.

B images, N bank entries, C classes, D channels, h×w embedding size, H×W label size.
"""

import torch
import torch.nn.functional as F

from .resize import resize
from .similarity import normalize_scores, positive_sum
from .tiles import tiling, upsampled_strips


def scatter_similarity(
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    num_classes: int,
    size: tuple[int, int],
    form: str = 'sum',
) -> torch.Tensor:
    """Upsample scores bilinearly, normalise them over the entries, add them up by class.

    The scores are the dot products of what `similarity_factors` returns. Nothing of N entries and
    a whole image is made: form 'sum' is linear up to its divisor, so the entries of a class are
    added up first; form 'softmax' goes tile by tile.

    Args:
        embedding: Pixel embeddings (B, D, h, w).
        bank_features: Entries (N, D).
        bank_labels: Their classes (N,) in [0, num_classes).
        num_classes: C.
        size: H and W in pixels.
        form: 'sum' or 'softmax'.

    Returns:
        Class distribution (B, C, H, W) float32.
    """
    with torch.autocast(embedding.device.type, enabled=False):
        membership = F.one_hot(bank_labels, num_classes).T.float()
        bank = bank_features.float()
        if form == 'sum':
            by_class = torch.einsum('bdhw,cd->bchw', embedding.float(), membership @ bank)
            by_class = resize(by_class, size, mode='bilinear', align_corners=False)
            return by_class / positive_sum(by_class, 1)
        return _scatter_tiles(embedding, bank, membership, size, form)


def _scatter_tiles(
    embedding: torch.Tensor,
    bank: torch.Tensor,
    membership: torch.Tensor,
    size: tuple[int, int],
    form: str,
) -> torch.Tensor:
    """Go tile by tile; `membership` is (C, N), 1 where the entry is of the class."""
    by_class = bank.new_empty(len(embedding), len(membership), *size)
    strips, blocks = tiling(len(bank), embedding.shape[-2:], size, bank.device)
    for image, pixels in enumerate(embedding):
        for block in blocks:
            cells = pixels[..., block.cells].float()
            scores = (bank @ cells.flatten(1)).unflatten(1, cells.shape[1:])
            target = by_class[image, ..., block.pixels].transpose(0, 1)
            for strip, tile in zip(strips, upsampled_strips(scores, strips, block), strict=True):
                target[strip.lines] = membership @ normalize_scores(tile, form, dim=1)
    return by_class
