"""Mixtures of two images of the target, which probe a network without labels."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F


def partner(index: int, number: int) -> int:
    """Return the image that one of so many is mixed with, half of them away.

    Neighbours in a video show nearly the same, and their mixture would be no probe.

    >>> [partner(i, 5) for i in range(5)]
    [2, 3, 4, 0, 1]
    """
    return (index + number // 2) % number


def mixture(images: Sequence[torch.Tensor], index: int, share: float) -> torch.Tensor:
    """Mix an image with its partner, brought to its size.

    Args:
        images: Images (1, 3, H, W), each of its own size.
        index: Which one.
        share: Its weight in (0.5, 1).
    """
    image = images[index]
    other = images[partner(index, len(images))]
    other = F.interpolate(other, image.shape[2:], mode='bilinear', align_corners=False)
    return share * image + (1 - share) * other


def labels_of_partner(labels: Sequence[torch.Tensor], index: int) -> torch.Tensor:
    """Return the labels (H, W) of an image's partner, at the size of its own."""
    other = labels[partner(index, len(labels))][None, None].float()
    return F.interpolate(other, labels[index].shape, mode='nearest')[0, 0].long()
