"""The dual-level interaction (DIDA, section 3.2, after SimMatch): classes and instances correct
each other.

The equations as they are written in the paper, every tensor at full size. `mmseg.speed` puts lean
forms of the last two, `smooth_probs` and `instance_loss`, in their place.

B images, C classes, N bank entries, D channels, h×w embedding size, H×W label size.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from mmseg.ops import LOG_EPS, Similarity, positive_sum


def instance_similarity(
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    similarity: Similarity,
    size: Sequence[int] | None = None,
) -> torch.Tensor:
    """Compare every pixel with every bank entry, as a distribution over the entries: q.

    Args:
        embedding: Pixel embeddings (B, D, h, w), non-negative for form 'sum'.
        bank_features: Bank entries (N, D), non-negative for form 'sum'.
        similarity: How they are compared.
        size: H and W of the result; those of the embedding where None.

    Returns:
        Similarity (B, N, H, W), summing to 1 over N.

    Raises:
        ValueError: The channel counts differ.

    >>> pixel, entries = torch.tensor([3.0, 1.0]).view(1, 2, 1, 1), torch.eye(2)
    >>> instance_similarity(pixel, entries, Similarity('sum')).flatten()
    tensor([0.7500, 0.2500])
    """
    return similarity.normalize(similarity.scores(embedding, bank_features, size))


def gather_to_instances(probs: torch.Tensor, bank_labels: torch.Tensor) -> torch.Tensor:
    """Give every bank entry the probability of its class: g_k = p_{l_k}.

    Args:
        probs: Class probabilities (B, C, H, W).
        bank_labels: Classes of the entries (N,) in [0, C).

    Returns:
        Gathered probabilities (B, N, H, W).

    >>> probs = torch.tensor([0.9, 0.1]).view(1, 2, 1, 1)
    >>> gather_to_instances(probs, bank_labels=torch.tensor([0, 0, 1])).flatten()
    tensor([0.9000, 0.9000, 0.1000])
    """
    return probs.index_select(1, bank_labels)


def scatter_to_classes(
    similarity: torch.Tensor, bank_labels: torch.Tensor, num_classes: int
) -> torch.Tensor:
    """Add up the similarity of each class's entries: s_c = Σ_{k: l_k = c} q_k.

    Args:
        similarity: Similarity (B, N, H, W).
        bank_labels: Classes of the entries (N,) in [0, num_classes).
        num_classes: C.

    Returns:
        Class distribution (B, C, H, W).

    >>> similarity = torch.tensor([0.25, 0.5, 0.25]).view(1, 3, 1, 1)
    >>> scatter_to_classes(similarity, torch.tensor([0, 0, 1]), num_classes=2).flatten()
    tensor([0.7500, 0.2500])
    """
    batch, _, height, width = similarity.shape
    classes = similarity.new_zeros(batch, num_classes, height, width)
    return classes.index_add_(1, bank_labels, similarity)


def calibrate(similarity: torch.Tensor, gathered: torch.Tensor) -> torch.Tensor:
    """Weigh similarities by the class prediction: q̂ = q ⊙ g / Σ_N (q ⊙ g).

    Args:
        similarity: Similarity (B, N, H, W).
        gathered: Gathered class probabilities (B, N, H, W).

    Returns:
        Calibrated target (B, N, H, W), summing to 1 over N.

    >>> similarity, gathered = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).view(2, 1, 2, 1, 1)
    >>> calibrate(similarity, gathered).flatten()
    tensor([0.9000, 0.1000])
    """
    product = similarity * gathered
    return product / positive_sum(product, 1)


def smooth_probs(
    probs: torch.Tensor,
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    ratio: float,
    similarity: Similarity,
) -> torch.Tensor:
    """Blend the class prediction with what the instances say: p̂ = a·p + (1 − a)·s.

    Args:
        probs: Class probabilities p (B, C, H, W).
        embedding: Pixel embeddings (B, D, h, w); they are brought to H×W.
        bank_features: Bank entries (N, D).
        bank_labels: Their classes (N,) in [0, C).
        ratio: a, the class prediction's share, in [0, 1].
        similarity: How pixels and entries are compared.

    Returns:
        Smoothed probabilities (B, C, H, W).

    >>> probs, pixel = torch.tensor([[0.4, 0.6], [1.0, 0.0]]).view(2, 1, 2, 1, 1)
    >>> entries, classes = torch.eye(2), torch.tensor([0, 1])
    >>> smooth_probs(probs, pixel, entries, classes, 0.5, Similarity('sum')).flatten()
    tensor([0.7000, 0.3000])
    """
    q = instance_similarity(embedding, bank_features, similarity, probs.shape[2:])
    return ratio * probs + (1 - ratio) * scatter_to_classes(q, bank_labels, probs.shape[1])


def instance_loss(
    weak_embedding: torch.Tensor,
    strong_embedding: torch.Tensor,
    teacher_probs: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    similarity: Similarity,
) -> torch.Tensor:
    """Compute L_I without λ_I: −Σ_N q̂ log(q_s + 1e-10), averaged over the pixels.

    The target q̂ is the teacher's similarity to the bank, weighed by its class prediction; q_s is
    the student's similarity. Only `strong_embedding` receives a gradient.

    Args:
        weak_embedding: The teacher's embedding of the weak view (B, D, h, w), ≥ 0 for form 'sum'.
        strong_embedding: The student's embedding of the mixed image (B, D, h, w).
        teacher_probs: Class probabilities (B, C, H, W); embeddings are brought to their size.
        bank_features: Bank entries (N, D).
        bank_labels: Their classes (N,) in [0, C).
        similarity: How pixels and entries are compared.

    Returns:
        Scalar.

    Raises:
        ValueError: The channel counts differ.

    >>> sure, torn = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).view(2, 1, 2, 1, 1)
    >>> entries, classes = torch.eye(2), torch.tensor([0, 1])
    >>> instance_loss(sure, torn, sure, entries, classes, Similarity('sum'))  # log 2
    tensor(0.6931)
    """
    size, bank_features = teacher_probs.shape[2:], bank_features.detach()
    with torch.no_grad():
        q_weak = instance_similarity(weak_embedding, bank_features, similarity, size)
        target = calibrate(q_weak, gather_to_instances(teacher_probs, bank_labels))
    q_strong = instance_similarity(strong_embedding, bank_features, similarity, size)
    return -(target * torch.log(q_strong + LOG_EPS)).sum(1).mean()


class Equations(NamedTuple):
    """The two equations of a training step, in one of their forms.

    Attributes:
        smooth_probs: See `smooth_probs`.
        instance_loss: See `instance_loss`.
    """

    smooth_probs: Callable[..., torch.Tensor]
    instance_loss: Callable[..., torch.Tensor]


PLAIN = Equations(smooth_probs, instance_loss)
