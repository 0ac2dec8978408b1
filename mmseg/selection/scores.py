"""What unlabelled predictions say of how good a network is.

Each score is a pure function, and higher is better. Pixels are a sample of those of many images.

Legend: N pixels, C classes, D channels.
"""

import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score

from mmseg.core.evaluation.metrics import areas_of

_SND_TEMPERATURE = 0.05


def entropy(probs: torch.Tensor) -> torch.Tensor:
    """Return the entropy in nats of distributions (..., C): (...)."""
    return torch.special.entr(probs).sum(dim=-1)


def information_maximisation(probs: torch.Tensor) -> float:
    """Return H(mean p) − mean H(p): each pixel certain, all classes predicted.

    Shi and Sha (ICML 2012); as a score of checkpoints Musgrave et al. (Three New Validators, 2022).

    Args:
        probs: Class probabilities (N, C).

    >>> round(information_maximisation(torch.eye(4)), 4)  # log 4
    1.3863
    """
    return float(entropy(probs.mean(dim=0)) - entropy(probs).mean())


def nuclear_norm(probs: torch.Tensor) -> float:
    """Return the nuclear norm of the predictions over its upper bound √(N·min(N, C)).

    Cui et al. (Batch Nuclear-norm Maximization, CVPR 2020): it is large for predictions that are
    certain and diverse.

    Args:
        probs: Class probabilities (N, C).

    >>> nuclear_norm(torch.eye(3))
    1.0
    """
    number, classes = probs.shape
    norm = torch.linalg.matrix_norm(probs.double(), 'nuc')
    return round(float(norm) / (number * min(number, classes)) ** 0.5, 12)


def class_agreement_with_clusters(features: torch.Tensor, predicted: torch.Tensor) -> float:
    """Return the adjusted mutual information of clusters of features and predicted classes.

    ClassAMI, Musgrave et al. (Three New Validators, 2022). As many clusters as classes predicted.

    Args:
        features: (N, D).
        predicted: Classes (N,).

    Returns:
        At most 1; about 0 where both have nothing to do with one another, or one class is
        predicted alone.
    """
    num_clusters = len(predicted.unique())
    if num_clusters < 2:
        return 0.0
    points = F.normalize(features.float(), dim=1).numpy()
    clusters = KMeans(num_clusters, n_init=3, random_state=0).fit_predict(points)
    return float(adjusted_mutual_info_score(predicted.numpy(), clusters))


def soft_neighbourhood_density(probs: torch.Tensor) -> float:
    """Return the mean entropy of each pixel's similarities to all others.

    Saito et al. (Tune it the Right Way, ICCV 2021): cosines of the predictions, their softmax at
    temperature 0.05. It is large where pixels have many neighbours.

    Args:
        probs: Class probabilities (N, C), N at least 2.
    """
    directions = F.normalize(probs, dim=1)
    similarity = directions @ directions.T / _SND_TEMPERATURE
    similarity.fill_diagonal_(float('-inf'))
    return float(entropy(similarity.softmax(dim=1)).mean())


def mean_iou_of_predictions(pairs: torch.Tensor) -> float:
    """Return how far two predictions agree: the mean IoU of one against the other.

    Args:
        pairs: Pixels of each pair of classes (C + 1, C + 1), as `count_pairs` gives them.

    Returns:
        In [0, 1], over the classes that either predicts.
    """
    same, either, _, _ = areas_of(pairs.double())
    there = either > 0
    return float((same[there] / either[there]).mean()) if there.any() else 0.0


def mixture_consistency(
    mixed: torch.Tensor, heavier: torch.Tensor, lighter: torch.Tensor, share: float
) -> float:
    """Return how often mixtures of two images are taken for what the heavier one shows.

    MixVal, Hu et al. (Mixed Samples as Probes, NeurIPS 2023): of pixels where both images show one
    class by pseudo label all must say so, of others the share that says the heavier's is counted.

    Args:
        mixed: Classes predicted of mixtures (N,).
        heavier: Pseudo labels of the image with the larger weight (N,).
        lighter: Those of the other one (N,).
        share: Weight of the heavier image, in (0.5, 1).

    Returns:
        The mean of the accuracy on pixels of one class and of that on pixels of two; of one kind
        alone where there is no other.

    Raises:
        ValueError: The share is out of range.
    """
    if not 0.5 < share < 1:
        raise ValueError(f'expected a share in (0.5, 1), got {share}')
    right, alike = mixed == heavier, heavier == lighter
    parts = [right[kind].double().mean() for kind in (alike, ~alike) if kind.any()]
    return float(torch.stack(parts).mean())


def vanished_classes(shares: torch.Tensor, reference: torch.Tensor) -> list[int]:
    """Return the classes that are predicted hardly at all, and were elsewhere.

    Args:
        shares: Shares of the pixels that are predicted to be of each class (C,).
        reference: The largest such shares that any checkpoint predicts (C,).

    Returns:
        Classes with less than a twentieth of their reference, of those with 0.1 % or more there.
    """
    gone = (shares < reference / 20) & (reference >= 1e-3)
    return gone.nonzero()[:, 0].tolist()
