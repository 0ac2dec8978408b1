"""The vector that stands for a class in a batch (DIDA, section 3.3).

B images, C classes, D channels, h×w embedding size, H×W label size.
"""

import torch

from mmseg.ops import boundary_mask, class_means
from mmseg.utils.distributed import sum_over_processes

KINDS = ('mean', 'boundary', 'mean+boundary')


def class_vectors(
    embedding: torch.Tensor,
    labels: torch.Tensor,
    num_classes: int,
    kind: str = 'mean',
    all_processes: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Summarise each class by one vector.

    Args:
        embedding: Source embeddings (B, D, h, w).
        labels: Source labels (B, 1, H, W), 255 is ignored.
        num_classes: C.
        kind: 'mean' over the class's pixels; 'boundary', over those with another class among
            their eight neighbours (boundary pixel selecting); 'mean+boundary', the average of the
            two, which is the mean for a class without boundary pixels.
        all_processes: Whether the pixels of every process count, rather than those of this one.

    Returns:
        Vectors (C, D), and which classes have one (C,) bool.

    Raises:
        ValueError: The kind is unknown.

    >>> embedding = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])
    >>> labels = torch.tensor([[[[0, 0, 1, 1]]]])
    >>> vectors, has_one = class_vectors(embedding, labels, num_classes=3, kind='boundary')
    >>> vectors.flatten().tolist(), has_one.tolist()
    ([2.0, 3.0, 0.0], [True, True, False])
    """
    if kind not in KINDS:
        raise ValueError(f'expected class vectors of a kind in {KINDS}, got {kind!r}')
    average = _class_means_of_all if all_processes else class_means
    embedding = embedding.detach().float()
    if kind == 'mean':
        means, counts = average(embedding, labels, num_classes)
        return means, counts > 0
    at_boundary = labels.masked_fill(~boundary_mask(labels), 255)
    edges, edge_counts = average(embedding, at_boundary, num_classes)
    if kind == 'boundary':
        return edges, edge_counts > 0
    means, counts = average(embedding, labels, num_classes)
    both = torch.where((edge_counts > 0)[:, None], (means + edges) / 2, means)
    return both, counts > 0


def _class_means_of_all(
    features: torch.Tensor, labels: torch.Tensor, num_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weigh the means of each process by its pixels; as `class_means` of the global batch."""
    means, counts = class_means(features, labels, num_classes)
    totals = sum_over_processes(counts)
    weights = counts / totals.clamp(min=1)
    return sum_over_processes(means * weights[:, None]), totals
