"""Scores without labels, against values worked out by hand."""

from math import log, sqrt

import pytest
import torch

from mmseg.selection.scores import (
    class_agreement_with_clusters,
    information_maximisation,
    mean_iou_of_predictions,
    mixture_consistency,
    nuclear_norm,
    soft_neighbourhood_density,
    vanished_classes,
)

CERTAIN = torch.eye(2)
UNSURE = torch.full((4, 2), 0.5)


def test_information_maximisation__is_the_entropy_of_the_mean_less_the_mean_entropy():
    assert information_maximisation(CERTAIN) == pytest.approx(log(2))
    assert information_maximisation(UNSURE) == pytest.approx(0, abs=1e-6)
    one_class = torch.tensor([[1.0, 0.0]] * 3)
    assert information_maximisation(one_class) == pytest.approx(0, abs=1e-6)


def test_nuclear_norm__is_1_for_certain_and_diverse_predictions():
    assert nuclear_norm(CERTAIN) == pytest.approx(1)
    # One class alone: the only singular value is √N, of √(N·C).
    assert nuclear_norm(torch.tensor([[1.0, 0.0]] * 4)) == pytest.approx(1 / sqrt(2))
    # Nobody knows anything: √(N·C·¼), a quarter of N·C in each of the squares.
    assert nuclear_norm(UNSURE) == pytest.approx(sqrt(8 / 4) / sqrt(8))


def test_class_agreement_with_clusters__is_1_where_features_say_the_same():
    features = torch.tensor(
        [[1.0, 0.01 * i] for i in range(5)] + [[0.01 * i, 1.0] for i in range(5)]
    )
    classes = torch.tensor([3] * 5 + [1] * 5)
    assert class_agreement_with_clusters(features, classes) == pytest.approx(1)
    mixed = torch.tensor([3, 1] * 5)
    assert abs(class_agreement_with_clusters(features, mixed)) < 0.15
    assert class_agreement_with_clusters(features, torch.zeros(10, dtype=torch.long)) == 0


def test_soft_neighbourhood_density__counts_the_neighbours():
    # Of three pixels two are alike: each knows one neighbour; the third is like both, or neither.
    probs = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    sure = 1 / (1 + torch.exp(torch.tensor(-20.0).double()))
    entropy = -(sure * sure.log() + (1 - sure) * (1 - sure).log())
    assert soft_neighbourhood_density(probs) == pytest.approx(
        float(2 * entropy + log(2)) / 3, abs=1e-6
    )


def test_mean_iou_of_predictions__is_over_the_classes_that_either_predicts():
    pairs = torch.tensor([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    assert mean_iou_of_predictions(pairs) == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert mean_iou_of_predictions(torch.zeros(3, 3)) == 0


def test_mixture_consistency__weighs_pixels_of_one_class_and_of_two_alike():
    heavier = torch.tensor([0, 0, 1, 1, 2, 2])
    lighter = torch.tensor([0, 0, 1, 1, 0, 1])
    mixed = torch.tensor([0, 0, 1, 2, 2, 1])
    assert mixture_consistency(mixed, heavier, lighter, 0.55) == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert mixture_consistency(mixed[:4], heavier[:4], lighter[:4], 0.55) == pytest.approx(3 / 4)
    with pytest.raises(ValueError, match=r'expected a share in \(0\.5, 1\), got 0\.5'):
        mixture_consistency(mixed, heavier, lighter, 0.5)


def test_vanished_classes__are_those_that_others_predict():
    reference = torch.tensor([0.6, 0.3, 0.1, 0.0005])
    shares = torch.tensor([0.99, 0.01, 0.004, 0.0])
    assert vanished_classes(shares, reference) == [1, 2]
