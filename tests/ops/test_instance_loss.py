import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg.models.uda.interaction import instance_loss
from mmseg.ops import Similarity, lean_instance_loss

SIZES = [
    ((5, 7), (5, 7)),
    ((5, 7), (20, 28)),
    ((6, 5), (17, 23)),
    ((8, 8), (3, 5)),
    ((1, 3), (4, 9)),
]


def loss_of_scores(weak, strong, probs, labels, form='sum'):
    """Hand in scores as embeddings: the dot products with unit vectors."""
    bank = torch.eye(len(labels))
    return lean_instance_loss(weak, strong, probs, bank, labels, Similarity(form, 0.5))


def draw(batch, num_entries, num_classes, small, large):
    generator = torch.Generator().manual_seed(batch * num_entries)
    weak = torch.rand(batch, num_entries, *small, generator=generator)
    strong = torch.rand(batch, num_entries, *small, generator=generator)
    probs = torch.randn(batch, num_classes, *large, generator=generator).softmax(1)
    return weak, strong, probs, torch.randint(0, num_classes, (num_entries,), generator=generator)


@pytest.mark.parametrize('form', ['sum', 'softmax'])
@pytest.mark.parametrize(('small', 'large'), SIZES)
@pytest.mark.parametrize(('batch', 'num_entries', 'num_classes'), [(1, 7, 2), (3, 13, 5)])
def test_instance_loss__tiles_equal_the_full_size_formula(
    form, small, large, batch, num_entries, num_classes
):
    weak, strong, probs, labels = draw(batch, num_entries, num_classes, small, large)
    lean = strong.clone().requires_grad_()
    loss = loss_of_scores(weak, lean, probs, labels, form)
    loss.backward()

    exact = strong.double().requires_grad_()
    bank, similarity = torch.eye(num_entries).double(), Similarity(form, 0.5)
    reference = instance_loss(weak.double(), exact, probs.double(), bank, labels, similarity)
    reference.backward()
    torch.testing.assert_close(loss.double(), reference, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(lean.grad.double(), exact.grad, rtol=1e-4, atol=1e-8)


def test_instance_loss__pixels_without_any_similarity_leave_no_trace():
    weak, strong, probs, labels = draw(1, 7, 2, (4, 6), (4, 6))
    strong[..., 1, 2] = 0
    strong.requires_grad_()
    loss = loss_of_scores(weak, strong, probs, labels)
    loss.backward()
    assert loss.isfinite()
    assert strong.grad.isfinite().all()
    assert strong.grad[..., 1, 2].abs().sum() == 0


def test_instance_loss__is_the_entropy_of_the_target_at_its_lowest():
    weak, _, probs, labels = draw(1, 6, 3, (3, 4), (3, 4))
    target = weak * probs[:, labels]
    target = target / target.sum(1, keepdim=True)
    loss = loss_of_scores(weak, target, probs, labels)
    entropy = -(target * target.log()).sum(1).mean()
    torch.testing.assert_close(loss, entropy)


class LargestTensor(TorchDispatchMode):
    """Remembers how many values the largest tensor made has."""

    num_values = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = result if isinstance(result, tuple | list) else [result]
        sizes = [t.numel() for t in made if isinstance(t, torch.Tensor)]
        self.num_values = max([self.num_values, *sizes])
        return result


@pytest.mark.parametrize('form', ['sum', 'softmax'])
def test_instance_loss__never_holds_all_entries_of_an_image(form):
    num_entries = 4096
    weak, strong = torch.rand(2, 1, 3, 16, 16)
    probs, labels = torch.rand(1, 2, 64, 64).softmax(1), torch.arange(num_entries) % 2
    with LargestTensor() as largest:
        loss = lean_instance_loss(
            weak, strong.requires_grad_(), probs, torch.rand(4096, 3), labels, Similarity(form)
        )
        loss.backward()
    assert largest.num_values < num_entries * 64 * 64 / 16


@pytest.mark.parametrize('form', ['sum', 'softmax'])
def test_instance_loss__takes_bfloat16_and_sums_in_float32(form):
    weak, strong, probs, labels = draw(2, 13, 5, (5, 7), (20, 28))
    rounded = [t.bfloat16() for t in (weak, strong, probs)]
    exact = [t.float() for t in rounded]
    rounded[1].requires_grad_()
    exact[1].requires_grad_()
    losses = [loss_of_scores(*inputs, labels, form) for inputs in (rounded, exact)]
    assert losses[0] == losses[1]
    for loss in losses:
        loss.backward()
    assert torch.equal(rounded[1].grad, exact[1].grad.bfloat16())


@pytest.mark.parametrize('form', ['sum', 'softmax'])
def test_instance_loss__repeats(form):
    weak, strong, probs, labels = draw(2, 13, 5, (5, 7), (20, 28))
    strong.requires_grad_()
    grads = [
        torch.autograd.grad(loss_of_scores(weak, strong, probs, labels, form), strong)[0]
        for _ in range(2)
    ]
    assert torch.equal(*grads)
