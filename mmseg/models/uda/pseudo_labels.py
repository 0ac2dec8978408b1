"""Pseudo labels and how far to trust them (Tranheden et al., WACV 2021, section 3.2)."""

import torch

from mmseg.utils.distributed import mean_over_processes


def pseudo_labels(
    probs: torch.Tensor,
    threshold: float,
    ignore_top: int = 0,
    ignore_bottom: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Label each pixel with its likeliest class and weigh the batch by its confidence.

    Args:
        probs: Class probabilities (B, C, H, W).
        threshold: Probability in [0, 1] from which a pixel counts as confident.
        ignore_top: Rows at the top of each image that get weight 0.
        ignore_bottom: Rows at the bottom (the car's bonnet) that get weight 0.

    Returns:
        Labels (B, H, W) int64, and weights (B, H, W) in [0, 1]: everywhere the share of the
        batch's pixels, on all processes, that are confident; 0 in the ignored rows.
    """
    confidence, labels = probs.max(dim=1)
    share = mean_over_processes((confidence >= threshold).to(probs.dtype).mean())
    weight = share.expand_as(confidence).clone()
    weight[:, :ignore_top] = 0
    weight[:, weight.shape[1] - ignore_bottom :] = 0
    return labels, weight
