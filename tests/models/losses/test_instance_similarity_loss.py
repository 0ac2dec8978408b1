import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmseg.models.losses.instance_similarity_loss import instance_similarity_loss
from tests.golden import load


@pytest.fixture(scope='module')
def golden():
    return {name: torch.from_numpy(array) for name, array in load('dual_level').items()}


def loss_and_gradient(golden, **settings):
    strong = golden['sim_strong_embedding'].clone().requires_grad_()
    loss = instance_similarity_loss(
        golden['sim_weak_embedding'],
        strong,
        golden['teacher_prob'],
        golden['sim_bank'],
        golden['bank_labels'],
        **settings,
    )
    loss.backward()
    return loss.detach(), strong.grad


def test_instance_loss__equals_the_published_one(golden):
    loss, gradient = loss_and_gradient(golden)
    np.testing.assert_allclose(0.5 * loss, golden['loss_in'], rtol=1e-5)
    np.testing.assert_allclose(0.5 * gradient, golden['grad_strong_embedding'], 1e-3, 1e-9)


def test_instance_loss__equals_the_paper_in_softmax_form(golden):
    temperature = float(golden['softmax_temperature'])
    loss, gradient = loss_and_gradient(golden, form='softmax', temperature=temperature)
    np.testing.assert_allclose(loss, golden['softmax_loss'], rtol=1e-5)
    np.testing.assert_allclose(gradient, golden['softmax_grad'], 1e-3, 1e-7)


@pytest.mark.parametrize('batch', [1, 3])
def test_instance_loss__small_embeddings_are_brought_to_the_size_of_the_probabilities(batch):
    generator = torch.Generator().manual_seed(0)
    weak, strong = torch.rand(2, batch, 6, 4, 7, generator=generator)
    bank, labels = torch.rand(9, 6, generator=generator), torch.arange(9) % 2
    probs = torch.randn(batch, 2, 16, 28, generator=generator).softmax(1)
    large = [F.interpolate(t, (16, 28), mode='bilinear') for t in (weak, strong)]
    torch.testing.assert_close(
        instance_similarity_loss(weak, strong, probs, bank, labels),
        instance_similarity_loss(*large, probs, bank, labels),
    )


def test_instance_loss__teaches_the_student_alone(golden):
    inputs = {
        name: golden[name].clone().requires_grad_()
        for name in ('sim_weak_embedding', 'sim_strong_embedding', 'teacher_prob', 'sim_bank')
    }
    instance_similarity_loss(*inputs.values(), golden['bank_labels']).backward()
    assert [name for name, t in inputs.items() if t.grad is not None] == ['sim_strong_embedding']


def test_instance_loss__is_as_exact_under_autocast(golden):
    plain, _ = loss_and_gradient(golden)
    with torch.autocast('cpu', torch.bfloat16):
        mixed, _ = loss_and_gradient(golden)
    assert mixed == plain
