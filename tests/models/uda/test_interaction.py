import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmseg.models.uda.interaction import (
    PLAIN,
    calibrate,
    gather_to_instances,
    instance_similarity,
    scatter_to_classes,
)
from mmseg.ops import Similarity
from mmseg.speed.interaction import LEAN
from tests.golden import load

EQUATIONS = [pytest.param(PLAIN, id='plain'), pytest.param(LEAN, id='lean')]


@pytest.fixture(scope='module')
def golden():
    return {name: torch.from_numpy(array) for name, array in load('dual_level').items()}


def close(result, expected):
    np.testing.assert_allclose(result.numpy(), expected.numpy(), atol=2e-4, rtol=1e-3)


def thinned(maps):
    return maps[:, :, ::4, ::4]


@pytest.fixture
def similarity(golden):
    return instance_similarity(golden['sim_weak_embedding'], golden['sim_bank'], Similarity())


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
        Similarity('softmax', float(golden['softmax_temperature'])),
    )
    gathered = gather_to_instances(golden['teacher_prob'], golden['bank_labels'])
    close(thinned(calibrate(similarity, gathered)), golden['softmax_calibrated'])


def test_scatter__equals_the_published_one(golden, similarity):
    close(scatter_to_classes(similarity, golden['bank_labels'], 19), golden['scattered_to_classes'])


@pytest.mark.parametrize('equations', EQUATIONS)
def test_smooth_probs__equals_the_published_one(golden, equations):
    names = ('teacher_prob', 'sim_weak_embedding', 'sim_bank', 'bank_labels')
    smoothed = equations.smooth_probs(*(golden[name] for name in names), 0.9, Similarity())
    close(smoothed, golden['smoothed_alpha09'])


@pytest.mark.parametrize('form', ['sum', 'softmax'])
@pytest.mark.parametrize(('batch', 'num_classes', 'num_entries'), [(1, 2, 5), (3, 5, 13)])
def test_interaction__every_distribution_sums_to_one(form, batch, num_classes, num_entries):
    generator = torch.Generator().manual_seed(0)
    embedding = torch.rand(batch, 6, 4, 7, generator=generator)
    bank = torch.rand(num_entries, 6, generator=generator)
    labels = torch.randint(0, num_classes, (num_entries,), generator=generator)
    probs = torch.rand(batch, num_classes, 4, 7, generator=generator).softmax(1)
    similarity = instance_similarity(embedding, bank, Similarity(form, 0.5))
    ones = torch.ones(batch, 4, 7)
    calibrated = calibrate(similarity, gather_to_instances(probs, labels))
    scattered = scatter_to_classes(similarity, labels, num_classes)
    for distribution in (similarity, calibrated, scattered):
        torch.testing.assert_close(distribution.sum(1), ones)


def test_instance_similarity__a_zero_embedding_is_like_nothing():
    similarity = instance_similarity(torch.zeros(1, 3, 2, 2), torch.ones(4, 3), Similarity())
    assert similarity.abs().sum() == 0


def test_similarity__unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"expected a similarity form in .*, got 'max'"):
        Similarity('max')


def test_instance_similarity__bank_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match='expected bank entries of 3 channels'):
        instance_similarity(torch.ones(1, 3, 2, 2), torch.ones(4, 5), Similarity())


def loss_and_gradient(golden, equations, similarity):
    strong = golden['sim_strong_embedding'].clone().requires_grad_()
    loss = equations.instance_loss(
        golden['sim_weak_embedding'],
        strong,
        golden['teacher_prob'],
        golden['sim_bank'],
        golden['bank_labels'],
        similarity,
    )
    loss.backward()
    return loss.detach(), strong.grad


@pytest.mark.parametrize('equations', EQUATIONS)
def test_instance_loss__equals_the_published_one(golden, equations):
    loss, gradient = loss_and_gradient(golden, equations, Similarity())
    np.testing.assert_allclose(0.5 * loss, golden['loss_in'], rtol=1e-5)
    np.testing.assert_allclose(0.5 * gradient, golden['grad_strong_embedding'], 1e-3, 1e-9)


@pytest.mark.parametrize('equations', EQUATIONS)
def test_instance_loss__equals_the_paper_in_softmax_form(golden, equations):
    similarity = Similarity('softmax', float(golden['softmax_temperature']))
    loss, gradient = loss_and_gradient(golden, equations, similarity)
    np.testing.assert_allclose(loss, golden['softmax_loss'], rtol=1e-5)
    np.testing.assert_allclose(gradient, golden['softmax_grad'], 1e-3, 1e-7)


@pytest.mark.parametrize('equations', EQUATIONS)
@pytest.mark.parametrize('batch', [1, 3])
def test_instance_loss__small_embeddings_are_brought_to_the_size_of_the_probabilities(
    batch, equations
):
    generator = torch.Generator().manual_seed(0)
    weak, strong = torch.rand(2, batch, 6, 4, 7, generator=generator)
    bank, labels = torch.rand(9, 6, generator=generator), torch.arange(9) % 2
    probs = torch.randn(batch, 2, 16, 28, generator=generator).softmax(1)
    large = [F.interpolate(t, (16, 28), mode='bilinear') for t in (weak, strong)]
    torch.testing.assert_close(
        equations.instance_loss(weak, strong, probs, bank, labels, Similarity()),
        equations.instance_loss(*large, probs, bank, labels, Similarity()),
    )


@pytest.mark.parametrize('equations', EQUATIONS)
def test_instance_loss__teaches_the_student_alone(golden, equations):
    inputs = {
        name: golden[name].clone().requires_grad_()
        for name in ('sim_weak_embedding', 'sim_strong_embedding', 'teacher_prob', 'sim_bank')
    }
    loss = equations.instance_loss(*inputs.values(), golden['bank_labels'], Similarity())
    loss.backward()
    assert [name for name, t in inputs.items() if t.grad is not None] == ['sim_strong_embedding']


@pytest.mark.parametrize('equations', EQUATIONS)
def test_instance_loss__is_as_exact_under_autocast(golden, equations):
    plain, _ = loss_and_gradient(golden, equations, Similarity())
    with torch.autocast('cpu', torch.bfloat16):
        mixed, _ = loss_and_gradient(golden, equations, Similarity())
    assert mixed == plain
