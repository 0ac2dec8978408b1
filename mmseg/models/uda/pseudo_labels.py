"""Pseudo labels and how far to trust them (Tranheden et al., WACV 2021, section 3.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from mmseg.utils.distributed import sum_over_processes


def inside_images(img_metas: Sequence[Mapping[str, Any]], maps: torch.Tensor) -> torch.Tensor:
    """Mark where images are, and not the padding on the right and at the bottom.

    Args:
        img_metas: `img_shape` of each image before it was padded; without one all is image.
        maps: Anything of the padded images' size (B, ..., H, W).

    Returns:
        Mask (B, H, W) bool.

    >>> inside_images([{'img_shape': (1, 2, 3)}], torch.zeros(1, 3, 1, 4)).int().tolist()
    [[[1, 1, 0, 0]]]
    """
    inside = torch.zeros(len(maps), *maps.shape[-2:], dtype=torch.bool, device=maps.device)
    for image, meta in zip(inside, img_metas, strict=True):
        height, width = meta.get('img_shape', maps.shape[-2:])[:2]
        image[:height, :width] = True
    return inside


def pseudo_labels(
    probs: torch.Tensor,
    threshold: float,
    ignore_top: int = 0,
    ignore_bottom: int = 0,
    inside: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Label each pixel with its likeliest class and weigh the batch by its confidence.

    Args:
        probs: Class probabilities (B, C, H, W).
        threshold: Probability in [0, 1] from which a pixel counts as confident.
        ignore_top: Rows at the top of each image that get weight 0.
        ignore_bottom: Rows at the bottom (the car's bonnet) that get weight 0.
        inside: Where the images are (B, H, W) bool; padding gets weight 0 and does not count.
            Everywhere where None.

    Returns:
        Labels (B, H, W) int64, and weights (B, H, W) in [0, 1]: everywhere the share of the
        batch's pixels, on all processes, that are confident; 0 in the ignored rows.

    >>> probs = torch.tensor([[0.99, 0.4], [0.01, 0.6]]).view(1, 2, 1, 2)
    >>> labels, weight = pseudo_labels(probs, threshold=0.968)
    >>> labels.tolist(), weight.tolist()
    ([[[0, 1]]], [[[0.5, 0.5]]])
    """
    confidence, labels = probs.max(dim=1)
    if inside is None:
        inside = torch.ones_like(labels, dtype=torch.bool)
    counts = torch.stack([((confidence >= threshold) & inside).sum(), inside.sum()])
    num_confident, num_pixels = sum_over_processes(counts).to(probs.dtype)
    weight = (num_confident / num_pixels.clamp(min=1)) * inside
    weight[:, :ignore_top] = 0
    weight[:, max(weight.shape[1] - ignore_bottom, 0) :] = 0
    return labels, weight
