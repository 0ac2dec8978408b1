"""Cross entropy against slow oracles that go pixel by pixel."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmseg.models import build_loss
from mmseg.models.losses import CrossEntropyLoss
from mmseg.utils.errors import UserError


def inputs(num_classes, batch):
    generator = torch.Generator().manual_seed(num_classes + batch)
    logits = torch.randn(batch, num_classes, 4, 7, generator=generator)
    labels = torch.randint(0, num_classes, (batch, 4, 7), generator=generator)
    labels[:, 1] = 255
    weights = torch.rand(batch, 4, 7, generator=generator)
    return logits, labels, weights


def slow_losses(logits, labels, weights, class_weight):
    """Weighted negative log probability of each pixel's label; 0 where it is ignored."""
    losses = torch.zeros(labels.shape)
    for b, i, j in (labels != 255).nonzero().tolist():
        scores = logits[b, :, i, j].tolist()
        label = labels[b, i, j].item()
        log_prob = scores[label] - math.log(sum(map(math.exp, scores)))
        losses[b, i, j] = -log_prob * weights[b, i, j] * class_weight[label]
    return losses


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('num_classes', [2, 5])
def test_softmax__mean_is_over_all_pixels(num_classes, batch):
    logits, labels, weights = inputs(num_classes, batch)
    class_weight = torch.linspace(0.5, 2, num_classes).tolist()
    expected = slow_losses(logits, labels, weights, class_weight)
    criterion = CrossEntropyLoss(class_weight=class_weight, loss_weight=0.3)
    loss = criterion(logits, labels, weights, ignore_index=255)
    torch.testing.assert_close(loss, 0.3 * expected.mean())
    unreduced = criterion(logits, labels, weights, reduction_override='none', ignore_index=255)
    torch.testing.assert_close(unreduced, 0.3 * expected)


def test_softmax__sum_and_avg_factor():
    logits, labels, weights = inputs(5, 3)
    expected = slow_losses(logits, labels, weights, [1] * 5).sum()
    settings = {'weight': weights, 'ignore_index': 255}
    total = CrossEntropyLoss(reduction='sum')(logits, labels, **settings)
    torch.testing.assert_close(total, expected)
    mean = CrossEntropyLoss()(logits, labels, avg_factor=10, **settings)
    torch.testing.assert_close(mean, expected / 10)


def test_softmax__ignored_pixels_get_no_gradient():
    logits, labels, _ = inputs(5, 1)
    logits.requires_grad_()
    CrossEntropyLoss()(logits, labels, ignore_index=255).backward()
    assert not logits.grad[:, :, 1].any()
    assert logits.grad[:, :, 0].all()


def test_softmax__nothing_labelled_is_zero():
    logits, labels, _ = inputs(5, 1)
    assert CrossEntropyLoss()(logits, labels.fill_(255), ignore_index=255) == 0


@pytest.mark.parametrize('num_classes', [2, 5])
def test_sigmoid__equals_one_hot_targets(num_classes):
    logits, labels, weights = inputs(num_classes, 3)
    one_hot = torch.stack([(labels == c).float() for c in range(num_classes)], dim=1)
    kept = (labels != 255).float().unsqueeze(1) * weights.unsqueeze(1)
    probs = logits.sigmoid()
    expected = -(one_hot * probs.log() + (1 - one_hot) * (1 - probs).log()) * kept
    loss = CrossEntropyLoss(use_sigmoid=True)(logits, labels, weights, ignore_index=255)
    torch.testing.assert_close(loss, expected.mean())


def test_mask__scores_the_mask_of_the_class():
    logits = torch.randn(3, 2, 4, 5)
    masks = (torch.rand(3, 4, 5) > 0.5).float()
    classes = torch.tensor([1, 0, 1])
    expected = F.binary_cross_entropy_with_logits(
        torch.stack([logits[0, 1], logits[1, 0], logits[2, 1]]), masks
    )
    loss = CrossEntropyLoss(use_mask=True)(logits, masks, classes)
    torch.testing.assert_close(loss, expected[None])


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'use_sigmoid': True, 'use_mask': True}, 'exclude each other'),
        ({'weights': [1]}, "no setting 'weights'"),
        ({'reduction': 'avg'}, "reduction is 'avg'; expected"),
        ({'class_weight': [1, 2]}, 'class_weight has 2 entries for 5 classes'),
    ],
)
def test_settings__mistake_is_named(settings, message):
    logits, labels, _ = inputs(5, 1)
    with pytest.raises(UserError, match=message):
        build_loss({'type': 'CrossEntropyLoss', **settings})(logits, labels, ignore_index=255)


def test_sum__does_not_go_with_avg_factor():
    logits, labels, _ = inputs(5, 1)
    with pytest.raises(UserError, match='avg_factor needs'):
        CrossEntropyLoss(reduction='sum')(logits, labels, avg_factor=2, ignore_index=255)
