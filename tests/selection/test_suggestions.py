"""Which images to label first."""

import pytest
import torch

from mmseg.models import build_segmentor
from mmseg.selection.suggestions import describe, suggest
from tests.models.networks import small_config


def directions(*angles):
    radians = torch.tensor(angles).deg2rad()
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def test_suggest__the_most_uncertain_first_then_those_unlike_it():
    uncertainty = torch.tensor([0.5, 0.9, 0.85, 0.4])
    # The third is nearly the second; the first is far from both and surer.
    assert suggest(uncertainty, directions(90.0, 0.0, 5.0, 45.0), 3) == [1, 0, 3]


def test_suggest__all_of_them_come_once_even_twins():
    chosen = suggest(torch.zeros(5), directions(0.0, 0.0, 0.0, 0.0, 0.0), 5)
    assert sorted(chosen) == [0, 1, 2, 3, 4]


def test_describe__gives_an_uncertainty_and_a_direction():
    torch.manual_seed(0)
    model = build_segmentor(small_config()).eval()
    model.init_weights()
    seen = describe(model, torch.randn(1, 3, 64, 96))
    assert 0 < seen.uncertainty <= 1 and seen.look.shape == (8,)
    assert float(seen.look.norm()) == pytest.approx(1)
