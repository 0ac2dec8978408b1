"""Smoothing class probabilities with the instances' similarities, scattered to classes.

B images, N bank entries, C classes, D channels, h×w embedding size, H×W label size. Nothing of N
entries and a whole image is made: form 'sum' is linear up to its divisor, so the entries of a class
are added up first; form 'softmax' goes tile by tile.
"""

import torch
import torch.nn.functional as F

from .resize import resize
from .similarity import Similarity, positive_sum
from .tiles import tiling, upsampled_strips


def lean_smooth_probs(
    probs: torch.Tensor,
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    ratio: float,
    similarity: Similarity,
) -> torch.Tensor:
    """Compute `interaction.smooth_probs`; arguments, result and errors are the same.

    Returns:
        Smoothed probabilities (B, C, H, W) float32.

    >>> probs, pixel = torch.tensor([[0.4, 0.6], [1.0, 0.0]]).view(2, 1, 2, 1, 1)
    >>> entries, classes = torch.eye(2), torch.tensor([0, 1])
    >>> lean_smooth_probs(probs, pixel, entries, classes, 0.5, Similarity('sum')).flatten()
    tensor([0.7000, 0.3000])
    """
    with torch.autocast(embedding.device.type, enabled=False):
        pixels, bank = (t.float() for t in similarity.factors(embedding, bank_features))
        membership = F.one_hot(bank_labels, probs.shape[1]).T.float()
        size = (probs.shape[2], probs.shape[3])
        if similarity.form == 'sum':
            by_class = torch.einsum('bdhw,cd->bchw', pixels, membership @ bank)
            by_class = resize(by_class, size, mode='bilinear', align_corners=False)
            scattered = by_class / positive_sum(by_class, 1)
        else:
            scattered = _scatter_tiles(pixels, bank, membership, size, similarity)
        return ratio * probs + (1 - ratio) * scattered


def _scatter_tiles(
    embedding: torch.Tensor,
    bank: torch.Tensor,
    membership: torch.Tensor,
    size: tuple[int, int],
    similarity: Similarity,
) -> torch.Tensor:
    """Go tile by tile; `membership` is (C, N), 1 where the entry is of the class."""
    by_class = bank.new_empty(len(embedding), len(membership), *size)
    strips, blocks = tiling(len(bank), embedding.shape[-2:], size, bank.device)
    for image, pixels in enumerate(embedding):
        for block in blocks:
            cells = pixels[..., block.cells]
            scores = (bank @ cells.flatten(1)).unflatten(1, cells.shape[1:])
            target = by_class[image, ..., block.pixels].transpose(0, 1)
            for strip, tile in zip(strips, upsampled_strips(scores, strips, block), strict=True):
                target[strip.lines] = membership @ similarity.normalize(tile, dim=1)
    return by_class
