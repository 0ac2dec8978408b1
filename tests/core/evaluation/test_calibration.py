"""How well probabilities tell how often predictions are right; values worked out by hand."""

from math import log

import pytest
import torch

from mmseg.core.evaluation.calibration import Calibration


def images(rows):
    """Probabilities (1, C, 1, N) of N pixels."""
    return torch.tensor(rows).T[None, :, None]


PROBS = images([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
LABELS = torch.tensor([[[0, 0, 1, 1, 255]]])


@pytest.fixture
def calibration():
    found = Calibration(2)
    found.add(PROBS[..., :2], LABELS[..., :2])
    found.add(PROBS[..., 2:], LABELS[..., 2:])
    return found


def test_expected_error__is_the_gap_of_confidence_and_accuracy(calibration):
    assert calibration.num_pixels == 4
    # Three of confidence 0.9, two of them right; one of 0.6, right.
    expected = 3 / 4 * (0.9 - 2 / 3) + 1 / 4 * (1 - 0.6)
    assert calibration.expected_error() == pytest.approx(expected)
    assert calibration.expected_error(predicted=1) == pytest.approx(0.4)


def test_nll_and_brier__are_means_over_the_pixels(calibration):
    nll = -(2 * log(0.9) + log(0.1) + log(0.6)) / 4
    assert calibration.nll == pytest.approx(nll, rel=1e-6)
    brier = (2 * (0.1**2 + 0.1**2) + (0.9**2 + 0.9**2) + (0.4**2 + 0.4**2)) / 4
    assert calibration.brier == pytest.approx(brier, rel=1e-6)


def test_reliability__has_a_place_for_each_bin(calibration):
    bins = calibration.reliability()
    assert bins.share.sum() == pytest.approx(1)
    # 0.9 lies in the fourteenth of fifteen bins, 0.6 in the tenth.
    assert bins.share.nonzero()[:, 0].tolist() == [9, 13]
    assert bins.accuracy[13] == pytest.approx(2 / 3) and bins.confidence[9] == pytest.approx(0.6)


def test_risk_coverage__grows_with_what_is_kept(calibration):
    coverage, risk = calibration.risk_coverage()
    assert coverage[-1] == 1 and risk[-1] == pytest.approx(1 / 4)
    surest = coverage == 0.75
    assert surest.any() and risk[surest].unique().tolist() == pytest.approx([1 / 3])


def test_calibration__nothing_seen_is_no_error():
    nothing = Calibration(3)
    assert nothing.expected_error() == nothing.nll == nothing.brier == 0
