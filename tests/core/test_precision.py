import pytest
import torch

from mmseg.core.precision import Precision
from mmseg.utils.errors import UserError


def train(precision, num_steps=3):
    """A linear layer's weights after some steps on inputs that are functions of the step."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 5)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.01, fused=True)
    for step in range(num_steps):
        inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        with precision.autocast():
            outputs = layer(inputs)
        loss = outputs.float().square().mean()
        precision.backward(loss)
        precision.step(optimizer, loss)
    return layer.weight.detach()


def test_autocast__none_is_float32():
    with Precision().autocast():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


@pytest.mark.parametrize(('amp', 'dtype'), [('bf16', torch.bfloat16), ('fp16', torch.float16)])
def test_autocast__networks_run_in_the_type_and_weights_learn_in_float32(amp, dtype):
    precision = Precision(amp)
    with precision.autocast():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype
    weights = train(precision)
    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights, train(Precision()), rtol=0, atol=5e-3)


def test_fp16__gradients_too_small_for_float16_survive():
    weight = torch.ones(1, requires_grad=True)
    precision = Precision('fp16')
    precision.backward((weight.half() * 1e-4).float() * 1e-5)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    precision.unscale_(optimizer)
    torch.testing.assert_close(weight.grad, torch.tensor([1e-9]), rtol=1e-2, atol=0)


def test_fp16__an_overflow_skips_the_step_and_lowers_the_scale():
    precision = Precision('fp16')
    weight = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    precision.backward((weight * torch.inf).sum())
    before = precision.without_scale(torch.ones(()))
    assert not precision.step(optimizer, 1.0)
    assert weight.item() == 1
    assert precision.without_scale(torch.ones(())) > before


@pytest.mark.parametrize('amp', [None, 'bf16', 'fp16'])
@pytest.mark.parametrize('fused', [False, True])
def test_step__a_loss_that_is_not_finite_changes_nothing(amp, fused):
    precision = Precision(amp)
    weight = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.AdamW([weight], lr=1.0, fused=fused)
    precision.backward(weight.sum())
    assert not precision.step(optimizer, torch.tensor(float('nan')))
    assert weight.tolist() == [1, 1, 1]
    weight.grad = None
    precision.backward(weight.sum())
    assert precision.step(optimizer, torch.tensor(3.0))
    assert weight.max() < 1


def test_without_scale__gives_the_norm_of_the_plain_gradients():
    for precision in (Precision(), Precision('fp16')):
        weight = torch.ones(1, requires_grad=True)
        precision.backward((3 * weight).sum())
        torch.testing.assert_close(precision.without_scale(weight.grad.norm()), torch.tensor(3.0))


def test_state_dict__holds_plain_numbers_and_comes_back():
    precision = Precision('fp16')
    train(precision)
    state = precision.state_dict()
    assert all(isinstance(value, int | float) for value in state.values())
    other = Precision('fp16')
    other.load_state_dict({**state, 'scale': 8.0})
    assert other.state_dict()['scale'] == 8
    assert Precision('bf16').state_dict() == {}
    Precision('bf16').load_state_dict(state)


def test_init__an_unknown_type_is_refused():
    with pytest.raises(UserError, match=r"amp: expected null or \['bf16', 'fp16'\], got 'fp8'"):
        Precision('fp8')
