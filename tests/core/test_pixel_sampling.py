"""OHEM against a slow oracle that goes pixel by pixel."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from mmseg.core.pixel_sampling import OHEMPixelSampler, build_pixel_sampler
from mmseg.utils.errors import UserError


def context():
    def loss_decode(logits, labels, ignore_index, reduction_override):
        return F.cross_entropy(
            logits, labels, ignore_index=ignore_index, reduction=reduction_override
        )

    return SimpleNamespace(ignore_index=255, loss_decode=loss_decode)


def sample_inputs(num_classes, batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, num_classes, 6, 9, generator=generator)
    labels = torch.randint(0, num_classes, (batch, 1, 6, 9), generator=generator)
    labels[:, :, 2] = 255
    return logits, labels


def label_probs(logits, labels):
    """Yield place and probability of the label of each labelled pixel."""
    probs = logits.softmax(1)
    for b, i, j in (labels[:, 0] != 255).nonzero().tolist():
        yield (b, i, j), probs[b, labels[b, 0, i, j], i, j].item()


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('num_classes', [2, 5])
@pytest.mark.parametrize(('thresh', 'min_kept'), [(0.7, 5), (0.01, 10), (0.5, 1000)])
def test_sample__threshold_equals_slow_choice(batch, num_classes, thresh, min_kept):
    logits, labels = sample_inputs(num_classes, batch)
    places = dict(label_probs(logits, labels))
    ranked = sorted(places.values())
    bound = max(thresh, ranked[min(min_kept * batch, len(ranked) - 1)])
    expected = torch.zeros(batch, 6, 9)
    for place, prob in places.items():
        expected[place] = float(prob < bound)
    sampler = OHEMPixelSampler(context(), thresh, min_kept)
    torch.testing.assert_close(sampler.sample(logits, labels), expected)


@pytest.mark.parametrize('batch', [1, 3])
def test_sample__without_threshold_keeps_the_highest_losses(batch):
    logits, labels = sample_inputs(5, batch)
    weights = OHEMPixelSampler(context(), min_kept=4).sample(logits, labels)
    places = sorted(label_probs(logits, labels), key=lambda pair: pair[1])
    chosen = {place for place, _ in places[: 4 * batch]}
    assert {tuple(p) for p in weights.nonzero().tolist()} == chosen


@pytest.mark.parametrize('thresh', [None, 0.5])
def test_sample__nothing_labelled_gives_no_weight(thresh):
    logits, labels = sample_inputs(2, 1)
    sampler = OHEMPixelSampler(context(), thresh, min_kept=5)
    assert sampler.sample(logits, labels.fill_(255)).sum() == 0


def test_build__type_is_looked_up():
    sampler = build_pixel_sampler({'type': 'OHEMPixelSampler', 'thresh': 0.7}, context=context())
    assert sampler.thresh == 0.7


def test_init__too_small_min_kept_is_refused():
    with pytest.raises(UserError, match='min_kept must be above 1, got 1'):
        OHEMPixelSampler(context(), min_kept=1)
