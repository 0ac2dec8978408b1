import numpy as np
import pytest
import torch

from mmseg.models.uda.interaction import (
    calibrate,
    gather_to_instances,
    instance_similarity,
    scatter_to_classes,
    smooth_probs,
)
from tests.golden import load


@pytest.fixture(scope='module')
def golden():
    return {name: torch.from_numpy(array) for name, array in load('dual_level').items()}


def close(result, expected):
    np.testing.assert_allclose(result.numpy(), expected.numpy(), atol=2e-4, rtol=1e-3)


def thinned(maps):
    return maps[:, :, ::4, ::4]


@pytest.fixture
def similarity(golden):
    return instance_similarity(golden['sim_weak_embedding'], golden['sim_bank'])


def test_instance_similarity__equals_the_published_one(golden, similarity):
    close(thinned(similarity), golden['instance_similarity'])


def test_gather__equals_the_published_one(golden):
    gathered = gather_to_instances(golden['teacher_prob'], golden['bank_labels'])
    close(thinned(gathered), golden['gathered_to_instances'])


def test_calibrate__equals_the_published_one(golden, similarity):
    gathered = gather_to_instances(golden['teacher_prob'], golden['bank_labels'])
    close(thinned(calibrate(similarity, gathered)), golden['calibrated'])


def test_calibrate__equals_the_paper_in_softmax_form(golden):
    similarity = instance_similarity(
        golden['sim_weak_embedding'],
        golden['sim_bank'],
        'softmax',
        float(golden['softmax_temperature']),
    )
    gathered = gather_to_instances(golden['teacher_prob'], golden['bank_labels'])
    close(thinned(calibrate(similarity, gathered)), golden['softmax_calibrated'])


def test_scatter__equals_the_published_one(golden, similarity):
    close(scatter_to_classes(similarity, golden['bank_labels'], 19), golden['scattered_to_classes'])


def test_smooth_probs__equals_the_published_one(golden):
    names = ('teacher_prob', 'sim_weak_embedding', 'sim_bank', 'bank_labels')
    smoothed = smooth_probs(*(golden[name] for name in names), 0.9)
    close(smoothed, golden['smoothed_alpha09'])


@pytest.mark.parametrize('form', ['sum', 'softmax'])
@pytest.mark.parametrize(('batch', 'num_classes', 'num_entries'), [(1, 2, 5), (3, 5, 13)])
def test_interaction__every_distribution_sums_to_one(form, batch, num_classes, num_entries):
    generator = torch.Generator().manual_seed(0)
    embedding = torch.rand(batch, 6, 4, 7, generator=generator)
    bank = torch.rand(num_entries, 6, generator=generator)
    labels = torch.randint(0, num_classes, (num_entries,), generator=generator)
    probs = torch.rand(batch, num_classes, 4, 7, generator=generator).softmax(1)
    similarity = instance_similarity(embedding, bank, form, 0.5)
    ones = torch.ones(batch, 4, 7)
    calibrated = calibrate(similarity, gather_to_instances(probs, labels))
    scattered = scatter_to_classes(similarity, labels, num_classes)
    for distribution in (similarity, calibrated, scattered):
        torch.testing.assert_close(distribution.sum(1), ones)


def test_instance_similarity__a_zero_embedding_is_like_nothing():
    similarity = instance_similarity(torch.zeros(1, 3, 2, 2), torch.ones(4, 3))
    assert similarity.abs().sum() == 0


def test_instance_similarity__unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"expected a similarity form in .*, got 'max'"):
        instance_similarity(torch.ones(1, 3, 2, 2), torch.ones(4, 3), 'max')


def test_instance_similarity__bank_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match='expected bank entries of 3 channels'):
        instance_similarity(torch.ones(1, 3, 2, 2), torch.ones(4, 5))
