"""The dual-level interaction (DIDA, section 3.2, after SimMatch): classes and instances correct
each other.

B images, C classes, N bank entries, D channels, h×w map size.
"""

import torch

from mmseg.ops import (
    normalize_scores,
    positive_sum,
    scatter_similarity,
    similarity_factors,
    similarity_scores,
)


def instance_similarity(
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    form: str = 'sum',
    temperature: float = 1.0,
) -> torch.Tensor:
    """Compare every pixel with every bank entry, as a distribution over the entries.

    Args:
        embedding: Pixel embeddings (B, D, h, w), non-negative for form 'sum'.
        bank_features: Bank entries (N, D), non-negative for form 'sum'.
        form: 'sum', dot products divided by their sum (published code), or 'softmax', the softmax
            of cosines over the temperature (paper).
        temperature: Divisor of the cosines, form 'softmax' only.

    Returns:
        Similarity (B, N, h, w), summing to 1 over N.

    Raises:
        ValueError: The form is unknown or the channel counts differ.
    """
    return normalize_scores(similarity_scores(embedding, bank_features, form, temperature), form)


def gather_to_instances(probs: torch.Tensor, bank_labels: torch.Tensor) -> torch.Tensor:
    """Give every bank entry the probability of its class: g_k = p_{l_k}.

    Args:
        probs: Class probabilities (B, C, h, w).
        bank_labels: Classes of the entries (N,) in [0, C).

    Returns:
        Gathered probabilities (B, N, h, w).
    """
    return probs.index_select(1, bank_labels)


def scatter_to_classes(
    similarity: torch.Tensor, bank_labels: torch.Tensor, num_classes: int
) -> torch.Tensor:
    """Add up the similarity of each class's entries: s_c = Σ_{k: l_k = c} q_k.

    Args:
        similarity: Similarity (B, N, h, w).
        bank_labels: Classes of the entries (N,) in [0, num_classes).
        num_classes: C.

    Returns:
        Class distribution (B, C, h, w).
    """
    batch, _, height, width = similarity.shape
    classes = similarity.new_zeros(batch, num_classes, height, width)
    return classes.index_add_(1, bank_labels, similarity)


def calibrate(similarity: torch.Tensor, gathered: torch.Tensor) -> torch.Tensor:
    """Weigh similarities by the class prediction: q̂ = q ⊙ g / Σ_N (q ⊙ g).

    Args:
        similarity: Similarity (B, N, h, w).
        gathered: Gathered class probabilities (B, N, h, w).

    Returns:
        Calibrated target (B, N, h, w), summing to 1 over N.
    """
    product = similarity * gathered
    return product / positive_sum(product, 1)


def smooth_probs(
    probs: torch.Tensor,
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    ratio: float,
    form: str = 'sum',
    temperature: float = 1.0,
) -> torch.Tensor:
    """Blend the class prediction with what the instances say: p̂ = a·p + (1 − a)·s.

    Args:
        probs: Class probabilities (B, C, H, W).
        embedding: Pixel embeddings (B, D, h, w); their similarity is brought to H×W.
        bank_features: Bank entries (N, D).
        bank_labels: Their classes (N,) in [0, C).
        ratio: a, the class prediction's share, in [0, 1].
        form: See `instance_similarity`.
        temperature: See `instance_similarity`.

    Returns:
        Smoothed probabilities (B, C, H, W).
    """
    num_classes, height, width = probs.shape[1:]
    factors = similarity_factors(embedding, bank_features, form, temperature)
    scattered = scatter_similarity(*factors, bank_labels, num_classes, (height, width), form)
    return ratio * probs + (1 - ratio) * scattered
