"""Dice loss against its formula, written out pixel by pixel."""

import math

import pytest
import torch

from mmseg.models import build_loss
from mmseg.models.losses import DiceLoss
from mmseg.utils.errors import UserError
from tests.models.losses.test_cross_entropy_loss import inputs


def slow_dice(logits, labels, weights, smooth=1.0, exponent=2.0, class_weight=None):
    """1 − (2 Σ w·p·y + s) / (Σ w·(pᵉ + yᵉ) + s): the mean over classes, for each image."""
    num_images, num_classes, height, width = logits.shape
    losses = []
    for b in range(num_images):
        total = 0.0
        for c in range(num_classes):
            overlap = sizes = 0.0
            for i in range(height):
                for j in range(width):
                    if labels[b, i, j] == 255:
                        continue
                    scores = [math.exp(score) for score in logits[b, :, i, j].tolist()]
                    p, y = scores[c] / sum(scores), float(labels[b, i, j] == c)
                    overlap += weights[b, i, j].item() * p * y
                    sizes += weights[b, i, j].item() * (p**exponent + y**exponent)
            dice = 1 - (2 * overlap + smooth) / (sizes + smooth)
            total += dice * (1 if class_weight is None else class_weight[c])
        losses.append(total / num_classes)
    return torch.tensor(losses)


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('num_classes', [2, 5])
@pytest.mark.parametrize('settings', [{}, {'smooth': 0.1}, {'exponent': 1.0}])
def test_dice__is_its_formula(num_classes, batch, settings):
    logits, labels, weights = inputs(num_classes, batch)
    class_weight = torch.linspace(0.5, 2, num_classes).tolist()
    expected = slow_dice(logits, labels, weights, **settings, class_weight=class_weight)
    criterion = DiceLoss(class_weight=class_weight, loss_weight=0.3, **settings)
    loss = criterion(logits, labels, weights, ignore_index=255)
    torch.testing.assert_close(loss, 0.3 * expected.mean())
    each = criterion(logits, labels, weights, reduction_override='none', ignore_index=255)
    torch.testing.assert_close(each, 0.3 * expected)


def test_dice__by_hand_for_one_pixel():
    # p = (1/4, 3/4), y = class 1: class 0: 1 − 1/(1/16 + 1), class 1: 1 − (3/2 + 1)/(9/16 + 2).
    logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1)
    loss = DiceLoss()(logits, torch.ones(1, 1, 1, dtype=torch.long))
    expected = ((1 - 1 / (1 / 16 + 1)) + (1 - 2.5 / (9 / 16 + 2))) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_dice__what_is_labelled_right_and_surely_costs_nothing():
    labels = torch.tensor([[[0, 1], [2, 255]]])
    logits = 50.0 * torch.nn.functional.one_hot(labels.clamp(max=2), 3).movedim(-1, 1)
    assert DiceLoss()(logits, labels).item() == pytest.approx(0, abs=1e-6)


def test_dice__ignored_pixels_and_those_without_weight_count_nowhere():
    logits, labels, weights = inputs(5, 2)
    logits.requires_grad_()
    weights[:, 2] = 0
    DiceLoss()(logits, labels, weights, ignore_index=255).backward()
    assert not logits.grad[:, :, 1:3].any()
    assert logits.grad[:, :, 0].all()
    assert DiceLoss()(logits, labels.clone().fill_(255)).item() == 0


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'smoth': 1}, "no setting 'smoth'; did you mean 'smooth'"),
        ({'smooth': -1.0}, 'expected smooth from 0'),
        ({'exponent': 0}, 'exponent above 0'),
        ({'class_weight': [1, 2]}, 'class_weight has 2 entries for 5 classes'),
        ({'reduction': 'avg'}, "reduction is 'avg'; expected"),
        ({'ignore_index': 0}, 'ignore_index is 0 and its head ignores 255: leave it out'),
    ],
)
def test_settings__mistake_is_named(settings, message):
    logits, labels, _ = inputs(5, 1)
    with pytest.raises(UserError, match=message):
        build_loss({'type': 'DiceLoss', **settings})(logits, labels, ignore_index=255)
