"""The vector that stands for a class in a batch (DIDA, section 3.3).

B images, C classes, D channels, h×w embedding size, H×W label size.
"""

import torch

from mmseg.ops import boundary_mask, class_means

KINDS = ('mean', 'boundary', 'mean+boundary')


def class_vectors(
    embedding: torch.Tensor, labels: torch.Tensor, num_classes: int, kind: str = 'mean'
) -> tuple[torch.Tensor, torch.Tensor]:
    """Summarise each class by one vector.

    Args:
        embedding: Source embeddings (B, D, h, w).
        labels: Source labels (B, 1, H, W), 255 is ignored.
        num_classes: C.
        kind: 'mean' over the class's pixels; 'boundary', over those with another class among
            their eight neighbours (boundary pixel selecting); 'mean+boundary', the average of the
            two, which is the mean for a class without boundary pixels.

    Returns:
        Vectors (C, D), and which classes have one (C,) bool.

    Raises:
        ValueError: The kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f'expected class vectors of a kind in {KINDS}, got {kind!r}')
    embedding = embedding.detach().float()
    if kind == 'mean':
        means, counts = class_means(embedding, labels, num_classes)
        return means, counts > 0
    at_boundary = labels.masked_fill(~boundary_mask(labels), 255)
    edges, edge_counts = class_means(embedding, at_boundary, num_classes)
    if kind == 'boundary':
        return edges, edge_counts > 0
    means, counts = class_means(embedding, labels, num_classes)
    both = torch.where((edge_counts > 0)[:, None], (means + edges) / 2, means)
    return both, counts > 0
