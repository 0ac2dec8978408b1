"""Uncertainty maps and how well they find errors; values worked out by hand."""

from math import exp, log, nan

import pytest
import torch
from sklearn.metrics import roc_auc_score

from mmseg.core.evaluation.uncertainty import (
    ErrorDetection,
    disagreement,
    levels_disagreement,
    normalised_entropy,
)


def pixels(*rows):
    """Probabilities (1, C, 1, N) of N pixels."""
    return torch.tensor(rows).T[None, :, None]


def test_normalised_entropy__is_0_for_one_class_and_1_for_all_alike():
    probs = pixels([1.0, 0.0, 0.0, 0.0], [0.25] * 4, [0.5, 0.5, 0.0, 0.0])
    assert normalised_entropy(probs)[0, 0].tolist() == pytest.approx([0, 1, 0.5])


def test_disagreement__is_1_for_sure_opposites_and_the_same_from_both_sides():
    one, other = (
        pixels([1.0, 0.0], [0.3, 0.7], [0.9, 0.1]),
        pixels([0.0, 1.0], [0.3, 0.7], [0.5] * 2),
    )
    found = disagreement(one, other)[0, 0]
    mean_entropy = -(0.7 * log(0.7) + 0.3 * log(0.3))
    own = (-(0.9 * log(0.9) + 0.1 * log(0.1)) + log(2)) / 2
    assert found.tolist() == pytest.approx([1, 0, (mean_entropy - own) / log(2)], abs=1e-6)
    torch.testing.assert_close(disagreement(other, one)[0, 0], found)


def test_levels_disagreement__grows_with_what_instances_contradict():
    probs, scattered = (
        pixels([0.5, 0.5], [1.0, 0.0], [1.0, 0.0]),
        pixels([0.5, 0.5], [0.25, 0.75], [0.0, 1.0]),
    )
    found = levels_disagreement(probs, scattered)[0, 0].tolist()
    assert found == pytest.approx([0, 1 - exp(-log(4)), 1], abs=1e-6)


def test_error_detection__is_the_area_under_the_curve_over_all_images():
    generator = torch.Generator().manual_seed(0)
    uncertainty = torch.rand(4000, generator=generator) ** 3
    wrong = torch.rand(4000, generator=generator) < uncertainty
    found = ErrorDetection()
    for part in (slice(0, 1500), slice(1500, None)):
        found.add(uncertainty[part].view(1, 50, -1), wrong[part].view(1, 50, -1))
    assert found.auroc == pytest.approx(roc_auc_score(wrong, uncertainty), abs=1e-3)


def test_error_detection__ties_count_half_and_nothing_wrong_has_no_figure():
    found = ErrorDetection()
    found.add(torch.full((10,), 0.3), torch.arange(10) < 4)
    assert found.auroc == 0.5
    right = ErrorDetection()
    right.add(torch.rand(5), torch.zeros(5, dtype=torch.bool))
    assert right.auroc == pytest.approx(nan, nan_ok=True)
