"""Accuracy counted by hand."""

import pytest
import torch

from mmseg.models.losses import Accuracy, accuracy

# two images of 1×3 pixels, three classes
SCORES = torch.tensor(
    [
        [[0.7, 0.1, 0.3], [0.2, 0.8, 0.4], [0.1, 0.1, 0.2]],
        [[0.3, 0.5, 0.1], [0.4, 0.2, 0.7], [0.2, 0.3, 0.2]],
    ]
).unsqueeze(2)
LABELS = torch.tensor([[[0, 1, 0]], [[0, 255, 1]]])


def test_accuracy__ignored_pixels_count_as_wrong():
    result = accuracy(SCORES, LABELS)
    assert result.shape == (1,)
    assert result.item() == pytest.approx(100 * 3 / 6)


def test_accuracy__top_two():
    first, second = accuracy(SCORES, LABELS, topk=(1, 2))
    assert first.item() == pytest.approx(100 * 3 / 6)
    assert second.item() == pytest.approx(100 * 5 / 6)


def test_accuracy__scores_below_the_threshold_are_wrong():
    assert accuracy(SCORES, LABELS, thresh=0.75).item() == pytest.approx(100 * 1 / 6)


def test_accuracy__no_pixel_is_zero():
    assert accuracy(torch.zeros(0, 3, 2, 2), torch.zeros(0, 2, 2).long()).item() == 0


def test_module__equals_function():
    (result,) = Accuracy(topk=(2,), thresh=0.35)(SCORES, LABELS)
    assert result.item() == accuracy(SCORES, LABELS, 2, 0.35).item()
