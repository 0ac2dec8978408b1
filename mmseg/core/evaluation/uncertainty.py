"""How far predictions are not to be trusted, pixel by pixel, and how well that finds the errors.

Legend: B images of H×W, C classes.
"""

import math

import torch

_FINE_BINS = 4096
_SMALLEST = 1e-12


def normalised_entropy(probs: torch.Tensor) -> torch.Tensor:
    """Return the entropy of class probabilities over its most, log C.

    Args:
        probs: (B, C, H, W), summing to 1 over C, at least 2.

    Returns:
        (B, H, W) in [0, 1].

    >>> normalised_entropy(torch.tensor([0.5, 0.5]).view(1, 2, 1, 1)).item()
    1.0
    """
    return torch.special.entr(probs).sum(dim=1) / math.log(probs.shape[1])


def disagreement(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return how unlike two networks' class probabilities are: their Jensen-Shannon divergence.

    Lin (IEEE Transactions on Information Theory, 1991).

    Args:
        one: Probabilities (B, C, H, W).
        other: Those of the other network.

    Returns:
        (B, H, W) in bits, in [0, 1]: 1 where both are sure of different classes.

    >>> sure = torch.eye(2).view(2, 2, 1, 1)
    >>> disagreement(sure[:1], sure[1:]).item()
    1.0
    """
    mean = torch.special.entr((one + other) / 2).sum(dim=1)
    own = (torch.special.entr(one) + torch.special.entr(other)).sum(dim=1) / 2
    return ((mean - own) / math.log(2)).clamp(0, 1)


def levels_disagreement(probs: torch.Tensor, scattered: torch.Tensor) -> torch.Tensor:
    """Return how far the instances contradict the class prediction: 1 − exp(−KL(p ‖ s)).

    Args:
        probs: The class prediction p (B, C, H, W).
        scattered: s (B, C, H, W): similarities to the bank, added up over each class's entries
            (DIDA, section 3.2).

    Returns:
        (B, H, W) in [0, 1): 0 where both levels say the same.

    >>> probs, scattered = torch.tensor([[1.0, 0.0], [0.5, 0.5]]).view(2, 1, 2, 1, 1)
    >>> round(levels_disagreement(probs, scattered).item(), 4)
    0.5
    """
    kl = (probs * (probs.clamp(min=_SMALLEST) / scattered.clamp(min=_SMALLEST)).log()).sum(dim=1)
    return -torch.expm1(-kl.clamp(min=0))


class ErrorDetection:
    """Counts right and wrong pixels by an uncertainty, image after image."""

    def __init__(self) -> None:
        self._right, self._wrong = torch.zeros(2, _FINE_BINS, dtype=torch.long)

    def add(self, uncertainty: torch.Tensor, is_wrong: torch.Tensor) -> None:
        """Count some pixels.

        Args:
            uncertainty: In [0, 1], of any shape.
            is_wrong: Whether each is classified wrongly, in the same shape.
        """
        # The quarter power spreads what lies close to 0, where most pixels do.
        place = (uncertainty.double().clamp(0, 1) ** 0.25 * _FINE_BINS).long()
        place = place.clamp(max=_FINE_BINS - 1)
        self._wrong += place[is_wrong].cpu().bincount(minlength=_FINE_BINS)
        self._right += place[~is_wrong].cpu().bincount(minlength=_FINE_BINS)

    @property
    def auroc(self) -> float:
        """How often a wrong pixel is more uncertain than a right one; ties count half.

        0.5 says nothing, 1 finds every error; NaN where all pixels are right, or all wrong.
        """
        wrong, right = self._wrong.double(), self._right.double()
        if not (wrong.sum() and right.sum()):
            return math.nan
        less_certain = right.cumsum(0) - right / 2
        return float((wrong * less_certain).sum() / (wrong.sum() * right.sum()))
