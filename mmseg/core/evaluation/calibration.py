"""How well the probabilities of predictions tell how often they are right.

Legend: B images of H×W, C classes, K fine bins of confidence.
"""

from typing import Any, NamedTuple

import torch

# A multiple of the customary 15 bins, fine enough to sort pixels by their confidence.
_FINE_BINS = 1500


class Reliability(NamedTuple):
    """Bins of confidence of equal width; of those without a pixel all is 0.

    Attributes:
        confidence: Mean confidence of each bin's pixels.
        accuracy: Share of them that are right.
        share: Share of all pixels that lie in the bin.
    """

    confidence: torch.Tensor
    accuracy: torch.Tensor
    share: torch.Tensor


class Calibration:
    """Counts pixels by confidence and class, image after image.

    Args:
        num_classes: C.
        ignore_index: Label of pixels that do not count.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self._pixels, self._right, self._confidence = torch.zeros(
            3, num_classes, _FINE_BINS
        ).double()
        self._nll = self._brier = 0.0

    def add(self, probs: torch.Tensor, labels: torch.Tensor) -> None:
        """Count the pixels of some images.

        Args:
            probs: Class probabilities (B, C, H, W).
            labels: True classes (B, H, W), on the same device.
        """
        kept = labels != self.ignore_index
        chosen = probs.movedim(1, -1)[kept].double()
        true = labels[kept].long()
        of_true = chosen.gather(1, true[:, None])[:, 0]
        self._nll -= float(of_true.clamp(min=1e-12).log().sum())
        self._brier += float((chosen.square().sum(1) - 2 * of_true + 1).sum())
        confidence, predicted = chosen.max(dim=1)
        self.add_decisions(predicted, confidence, true)

    def add_decisions(
        self, predicted: torch.Tensor, confidence: torch.Tensor, labels: torch.Tensor
    ) -> None:
        """Count pixels of which no more is known than class and confidence, for all but NLL, Brier.

        Args:
            predicted: Classes, of any shape.
            confidence: Their probabilities in [0, 1], in the same shape.
            labels: True classes, likewise.
        """
        kept = labels != self.ignore_index
        classes, sure = predicted[kept].long(), confidence[kept].double()
        right = (classes == labels[kept].long()).double()
        fine = (sure * _FINE_BINS).long().clamp(max=_FINE_BINS - 1)
        place = (classes * _FINE_BINS + fine).cpu()
        for counts, values in (
            (self._pixels, torch.ones_like(right)),
            (self._right, right),
            (self._confidence, sure),
        ):
            counts.view(-1).index_add_(0, place, values.cpu())

    @property
    def num_pixels(self) -> int:
        """How many pixels were counted."""
        return int(self._pixels.sum())

    @property
    def nll(self) -> float:
        """Mean negative log likelihood of the true class in nats."""
        return self._nll / max(self.num_pixels, 1)

    @property
    def brier(self) -> float:
        """Mean Brier score: the squared distance of the probabilities from the truth, in [0, 2]."""
        return self._brier / max(self.num_pixels, 1)

    def reliability(self, num_bins: int = 15, predicted: int | None = None) -> Reliability:
        """Return the reliability diagram.

        Args:
            num_bins: A divisor of 1500.
            predicted: The class whose predictions count; all where None.
        """
        pixels, right, confidence = (
            self._of(counts, predicted).view(num_bins, -1).sum(1)
            for counts in (self._pixels, self._right, self._confidence)
        )
        divisor = pixels.clamp(min=1)
        return Reliability(
            confidence / divisor, right / divisor, pixels / pixels.sum().clamp(min=1)
        )

    def expected_error(self, num_bins: int = 15, predicted: int | None = None) -> float:
        """Return the expected calibration error in [0, 1] (Guo et al., ICML 2017)."""
        bins = self.reliability(num_bins, predicted)
        return float((bins.share * (bins.confidence - bins.accuracy).abs()).sum())

    def risk_coverage(self, predicted: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return how often predictions are wrong where only the surest are kept.

        Args:
            predicted: The class whose predictions count; all where None.

        Returns:
            Coverage and risk (K,), from the surest pixels on; 0 where there is none yet.
        """
        pixels = self._of(self._pixels, predicted).flip(0).cumsum(0)
        wrong = (self._of(self._pixels, predicted) - self._of(self._right, predicted)).flip(0)
        return pixels / pixels[-1].clamp(min=1), wrong.cumsum(0) / pixels.clamp(min=1)

    def summary(self, num_points: int = 20) -> dict[str, Any]:
        """Return expected error, reliability diagram and risk-coverage curve as plain numbers.

        Args:
            num_points: Points of the curve, at equal steps of coverage.
        """
        bins = self.reliability()
        coverage, risk = self.risk_coverage()
        wanted = torch.arange(1, num_points + 1).double() / num_points
        at = torch.searchsorted(coverage, wanted - 1e-9).clamp(max=len(risk) - 1)
        numbers = {
            'confidence': bins.confidence,
            'accuracy': bins.accuracy,
            'share': bins.share,
            'coverage': wanted,
            'risk': risk[at],
        }
        rounded = {name: [round(v, 5) for v in some.tolist()] for name, some in numbers.items()}
        return {'ece': round(self.expected_error(), 5), **rounded}

    def _of(self, counts: torch.Tensor, predicted: int | None) -> torch.Tensor:
        return counts.sum(0) if predicted is None else counts[predicted]
