"""Lovász-Softmax against the Jaccard loss that it extends."""

import itertools

import pytest
import torch

from mmseg.models import build_loss
from mmseg.models.losses import LovaszLoss
from mmseg.models.losses.lovasz_loss import lovasz_extension
from mmseg.utils.errors import UserError
from tests.models.losses.test_cross_entropy_loss import inputs


def jaccard_loss(wrong, truth, weight):
    """1 − |truth without what is wrong| / |truth with what is wrong|, weighed."""
    intersection = sum(w for e, y, w in zip(wrong, truth, weight, strict=True) if y and not e)
    union = sum(w for e, y, w in zip(wrong, truth, weight, strict=True) if y or e)
    return 0.0 if union == 0 else 1 - intersection / union


def slow_extension(errors, truth, weight):
    """Proposition 1's sum: what each pixel adds to the loss, the worst first."""
    total, wrong = 0.0, [False] * len(errors)
    before = 0.0
    for pixel in sorted(range(len(errors)), key=lambda i: -errors[i]):
        wrong[pixel] = True
        after = jaccard_loss(wrong, truth, weight)
        total += errors[pixel] * (after - before)
        before = after
    return total


@pytest.mark.parametrize('truth', [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]])
@pytest.mark.parametrize('weight', [[1, 1, 1, 1], [0.5, 2, 1, 3], [1, 0, 0, 2]])
def test_lovasz_extension__is_the_jaccard_loss_where_errors_are_whole(truth, weight):
    for errors in itertools.product([0, 1], repeat=4):
        loss = lovasz_extension(*(torch.tensor(v).float() for v in (errors, truth, weight)))
        assert loss.item() == pytest.approx(jaccard_loss(errors, truth, weight), abs=1e-6)


def slow_lovasz(logits, labels, weights, classes='present', class_weight=None):
    probs = logits.softmax(1).movedim(1, -1).reshape(-1, logits.shape[1])
    labels = labels.flatten().tolist()
    weights = [w * (y != 255) for w, y in zip(weights.flatten().tolist(), labels, strict=True)]
    losses = []
    for c in range(logits.shape[1]):
        truth = [y == c for y in labels]
        is_there = any(y and w for y, w in zip(truth, weights, strict=True))
        if (classes == 'present' and not is_there) or c not in (
            classes if classes not in ('present', 'all') else [c]
        ):
            continue
        errors = [abs(y - p) for y, p in zip(truth, probs[:, c].tolist(), strict=True)]
        factor = 1 if class_weight is None else class_weight[c]
        losses.append(factor * slow_extension(errors, truth, weights))
    return sum(losses) / max(len(losses), 1)


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('num_classes', [2, 5])
@pytest.mark.parametrize('classes', ['present', 'all', [1]])
def test_lovasz__is_its_definition(num_classes, batch, classes):
    logits, labels, weights = inputs(num_classes, batch)
    labels[labels == 0] = 255  # one class is not there
    class_weight = torch.linspace(0.5, 2, num_classes).tolist()
    loss = LovaszLoss(classes=classes, class_weight=class_weight, loss_weight=0.5)(
        logits, labels, weights, ignore_index=255
    )
    expected = 0.5 * slow_lovasz(logits, labels, weights, classes, class_weight)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_lovasz__of_each_image_by_itself():
    logits, labels, weights = inputs(5, 3)
    each = LovaszLoss(per_image=True, reduction='none')(logits, labels, weights, ignore_index=255)
    expected = [
        slow_lovasz(*(part[i : i + 1] for part in (logits, labels, weights))) for i in range(3)
    ]
    assert each.tolist() == pytest.approx(expected, rel=1e-5)
    mean = LovaszLoss(per_image=True)(logits, labels, weights, ignore_index=255)
    assert mean.item() == pytest.approx(sum(expected) / 3, rel=1e-5)


def test_lovasz__ignored_pixels_get_no_gradient_and_nothing_labelled_is_zero():
    logits, labels, _ = inputs(5, 1)
    logits.requires_grad_()
    LovaszLoss()(logits, labels, ignore_index=255).backward()
    assert not logits.grad[:, :, 1].any() and logits.grad.isfinite().all()
    nothing = LovaszLoss()(logits, labels.fill_(255))
    assert nothing.item() == 0


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'loss_type': 'binary'}, "loss_type: expected 'multi_class', got 'binary'"),
        ({'classes': 'some'}, "classes: expected 'present', 'all' or a list"),
        ({'class_weight': [1.0]}, 'class_weight has 1 entries for 5 classes'),
        ({'per_imag': True}, "no setting 'per_imag'"),
    ],
)
def test_settings__mistake_is_named(settings, message):
    logits, labels, _ = inputs(5, 1)
    with pytest.raises(UserError, match=message):
        build_loss({'type': 'LovaszLoss', **settings})(logits, labels)
