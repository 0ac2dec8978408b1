import copy
import math

import pytest
import torch
from torch import nn

from mmseg.core.optimizer_step import OptimizerStep, load_moments
from mmseg.core.precision import Precision
from mmseg.utils.errors import UserError


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 3))


def batch(iteration, size=2):
    generator = torch.Generator().manual_seed(iteration)
    return torch.randn(size, 4, generator=generator)


def loss_of(net, inputs):
    return net(inputs).square().mean()


def trained(step, max_iters, iterations=None, net=None, optimizer=None, precision=None, spoil=()):
    """Weights after each iteration on a batch of its own; what `finish` said."""
    net = net or network()
    optimizer = optimizer or torch.optim.AdamW(net.parameters(), lr=0.05)
    precision = precision or Precision()
    states, outcomes = [], []
    for iteration in iterations or range(max_iters):
        step.begin(iteration, max_iters)
        step.start(optimizer)
        loss = loss_of(net, batch(iteration)) * (math.nan if iteration in spoil else 1)
        precision.backward(step.share(loss))
        outcomes.append(bool(step.finish(optimizer, loss.detach(), precision)))
        states.append(copy.deepcopy(net.state_dict()))
    return states, outcomes


def same(one, other):
    return all(torch.equal(one[key], other[key]) for key in one)


def gradient_after_clipping(gradient, **clip):
    parameter = nn.Parameter(torch.zeros(len(gradient)))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    step = OptimizerStep(clip)
    step.start(optimizer)
    (parameter * torch.tensor(gradient)).sum().backward()
    assert step.finish(optimizer, 1.0, Precision())
    return -parameter.detach(), step.grad_norm.item()


@pytest.mark.parametrize(
    ('clip', 'norm', 'factor'),
    [
        ({'max_norm': 1}, 5.0, 1 / 5),  # ‖(3, −4)‖₂
        ({'max_norm': 2.5, 'norm_type': 2}, 5.0, 1 / 2),
        ({'max_norm': 3.5, 'norm_type': 1}, 7.0, 1 / 2),
        ({'max_norm': 1, 'norm_type': 'inf'}, 4.0, 1 / 4),
        ({'max_norm': 6}, 5.0, 1),  # short enough as it is
    ],
)
def test_grad_clip__scales_to_the_norm_that_is_asked_for(clip, norm, factor):
    gradient, found = gradient_after_clipping([3.0, -4.0], **clip)
    assert found == pytest.approx(norm)
    assert gradient.tolist() == pytest.approx([3 * factor, -4 * factor], rel=1e-5)


def test_grad_clip__the_norm_is_that_of_all_parameters_together():
    first, second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([{'params': [first]}, {'params': [second], 'lr': 10.0}], lr=1.0)
    step = OptimizerStep({'max_norm': 1.5})
    (first * 2 + (second * torch.tensor([2.0, 1.0])).sum()).sum().backward()
    step.finish(optimizer, 1.0, Precision())
    assert first.item() == pytest.approx(-1, rel=1e-5)  # 2 · 1.5/3
    assert second.tolist() == pytest.approx([-10, -5], rel=1e-5)


@pytest.mark.parametrize('num_iters', [1, 3, 4])
def test_cumulative_iters__equals_one_batch_of_all_images(num_iters):
    reference = network()
    optimizer = torch.optim.AdamW(reference.parameters(), lr=0.05)
    for window in range(2):
        images = torch.cat([batch(window * num_iters + i) for i in range(num_iters)])
        optimizer.zero_grad()
        loss_of(reference, images).backward()
        optimizer.step()
    states, outcomes = trained(OptimizerStep(cumulative_iters=num_iters), 2 * num_iters)
    assert all(outcomes)
    for key, value in reference.state_dict().items():
        torch.testing.assert_close(states[-1][key], value)
    start = network().state_dict()
    assert all(same(state, start) for state in states[: num_iters - 1])


def test_cumulative_iters__what_is_left_at_the_end_is_a_window_of_its_own():
    states, _ = trained(OptimizerStep(cumulative_iters=3), 5)
    net = network()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.05)
    for iterations in ((0, 1, 2), (3, 4)):
        optimizer.zero_grad()
        loss_of(net, torch.cat([batch(i) for i in iterations])).backward()
        optimizer.step()
    for key, value in net.state_dict().items():
        torch.testing.assert_close(states[-1][key], value)
    assert same(states[3], states[2]) and not same(states[4], states[3])


def test_cumulative_iters__what_is_clipped_is_the_mean_over_the_window():
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    step = OptimizerStep({'max_norm': 1e-3}, cumulative_iters=2)
    states, _ = trained(step, 2, net=net, optimizer=optimizer)
    plain = network()
    loss_of(plain, torch.cat([batch(0), batch(1)])).backward()
    norm = torch.cat([p.grad.flatten() for p in plain.parameters()]).norm()
    assert step.grad_norm.item() == pytest.approx(norm.item(), rel=1e-5)
    for after, parameter in zip(states[-1].values(), plain.parameters(), strict=True):
        clipped = parameter.grad * 1e-3 / (norm + 1e-6)
        torch.testing.assert_close(parameter - after, clipped, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize('clip', [None, {'max_norm': 0.05}])
@pytest.mark.parametrize('spoilt', [0, 1, 2])
def test_cumulative_iters__a_loss_that_is_not_finite_spoils_its_window_only(spoilt, clip):
    states, outcomes = trained(OptimizerStep(clip, 3), 6, spoil={spoilt})
    assert same(states[2], network().state_dict())
    assert not same(states[5], states[2])
    assert outcomes == [iteration < spoilt for iteration in range(3)] + [True] * 3
    assert all(value.isfinite().all() for value in states[-1].values())


@pytest.mark.parametrize('loss_scale', ['dynamic', 128.0, {'init_scale': 2.0**10}])
def test_fp16__clips_the_plain_gradients_of_a_window(loss_scale):
    clip = {'max_norm': 0.05}
    exact, _ = trained(OptimizerStep(clip, 2), 4)
    step = OptimizerStep(clip, 2)
    scaled, _ = trained(step, 4, precision=Precision('fp16', loss_scale=loss_scale))
    for key, value in exact[-1].items():  # computed in float32, only scaled
        torch.testing.assert_close(scaled[-1][key], value, rtol=1e-4, atol=1e-5)
    assert 0.05 < step.grad_norm.item() < 10


@pytest.mark.parametrize('clip', [None, {'max_norm': 0.05}])
def test_fp16__an_overflow_in_a_window_skips_its_step_and_halves_the_scale_once(clip):
    precision = Precision('fp16')
    before = precision.scale
    states, outcomes = trained(OptimizerStep(clip, 3), 6, precision=precision, spoil={1})
    assert same(states[2], network().state_dict()) and not same(states[5], states[2])
    assert precision.scale == before / 2
    assert outcomes == [True, False, False, True, True, True]


def test_fp16__a_fixed_scale_stays():
    precision = Precision('fp16', loss_scale=64)
    trained(OptimizerStep(), 3, precision=precision, spoil={1})
    assert precision.scale == 64


@pytest.mark.parametrize('amp', [None, 'fp16'])
@pytest.mark.parametrize('stop', range(1, 7))
def test_state_dict__a_window_goes_on_where_it_was_left(stop, amp):
    whole, _ = trained(OptimizerStep({'max_norm': 0.2}, 4), 7, precision=Precision(amp))
    net = network()
    first = torch.optim.AdamW(net.parameters(), lr=0.05)
    step, precision = OptimizerStep({'max_norm': 0.2}, 4), Precision(amp)
    trained(step, 7, range(stop), net, first, precision)
    state = step.state_dict(first, precision)
    assert bool(state) == (stop % 4 != 0)
    other = network()
    other.load_state_dict(net.state_dict())
    second = torch.optim.AdamW(other.parameters(), lr=0.05)
    second.load_state_dict(first.state_dict())
    step, fresh = OptimizerStep({'max_norm': 0.2}, 4), Precision(amp)
    fresh.load_state_dict(precision.state_dict())
    if state:
        assert step.load_state_dict(state, second, fresh, stop, 7)
    resumed, _ = trained(step, 7, range(stop, 7), other, second, fresh)
    assert same(resumed[-1], whole[-1])


@pytest.mark.parametrize(
    ('cumulative_iters', 'max_iters', 'amp'),
    [(3, 9, None), (4, 6, None), (1, 9, None), (4, 9, 'fp16')],
)
def test_load_state_dict__another_window_is_not_taken(cumulative_iters, max_iters, amp):
    net = network()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.05)
    step = OptimizerStep(cumulative_iters=4)
    trained(step, 9, range(5), net, optimizer)
    state = step.state_dict(optimizer, Precision())
    other = OptimizerStep(cumulative_iters=cumulative_iters)
    assert not other.load_state_dict(state, optimizer, Precision(amp), 5, max_iters)
    # What is left of the window makes a shorter one.
    states, _ = trained(other, max_iters, range(5, max_iters), net, optimizer)
    assert all(value.isfinite().all() for value in states[-1].values())


def test_finish__where_nobody_begins_every_iteration_is_a_window():
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    step = OptimizerStep()
    step.start(optimizer)
    loss = loss_of(net, batch(0))
    step.share(loss).backward()
    assert step.finish(optimizer, loss, Precision())
    assert not same(net.state_dict(), network().state_dict())
    assert step.state_dict(optimizer, Precision()) == {}


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'grad_clip': {'max_norn': 1}}, r"grad_clip has no setting 'max_norn'; .*'max_norm'"),
        ({'grad_clip': {'norm_type': 2}}, 'grad_clip: expected max_norm'),
        ({'grad_clip': {}}, 'grad_clip: expected max_norm'),
        ({'grad_clip': {'max_norm': 0}}, r'max_norm: expected a number above 0, got 0'),
        ({'grad_clip': {'max_norm': -1.0}}, 'max_norm: expected a number above 0'),
        ({'grad_clip': {'max_norm': math.nan}}, 'max_norm: expected a number above 0'),
        ({'grad_clip': {'max_norm': 'much'}}, "max_norm: .* got 'much'"),
        ({'grad_clip': {'max_norm': 1, 'norm_type': 0}}, 'norm_type: expected a number above 0'),
        ({'grad_clip': {'max_norm': 1, 'norm_type': None}}, 'norm_type: .* got None'),
        ({'cumulative_iters': 0}, 'cumulative_iters: expected a whole number above 0, got 0'),
        ({'cumulative_iters': True}, 'cumulative_iters: expected a whole number'),
    ],
)
def test_init__what_cannot_be_is_refused_in_one_line(settings, message):
    with pytest.raises(UserError, match=message):
        OptimizerStep(**settings)


def stepped(kind=torch.optim.AdamW, **settings):
    parameter = nn.Parameter(torch.ones(2))
    optimizer = kind([parameter], **settings)
    parameter.grad = torch.tensor([1.0, -2.0])
    optimizer.step()
    return parameter, optimizer


def test_load_moments__keeps_the_settings_that_the_optimizer_has():
    _, before = stepped(lr=0.1, weight_decay=0.5, betas=(0.8, 0.9))
    before.param_groups[0].update(lr=0.01, initial_lr=0.1)  # as a schedule leaves it
    parameter, now = stepped(lr=0.3, weight_decay=0.0, betas=(0.5, 0.9))
    load_moments(now, before.state_dict())
    (group,) = now.param_groups
    assert (group['lr'], group['weight_decay'], group['betas']) == (0.3, 0.0, (0.5, 0.9))
    assert 'initial_lr' not in group and group['params'] == [parameter]
    # m = (1 − 0.8) g, as it was remembered.
    torch.testing.assert_close(now.state[parameter]['exp_avg'], torch.tensor([0.2, -0.4]))


@pytest.mark.parametrize(
    ('before', 'now'), [(torch.optim.SGD, torch.optim.AdamW), (torch.optim.AdamW, torch.optim.SGD)]
)
def test_load_moments__what_another_optimizer_remembers_is_refused(before, now):
    _, first = stepped(before, lr=0.1)
    _, second = stepped(now, lr=0.1)
    with pytest.raises(ValueError, match='it had settings that this one lacks: '):
        load_moments(second, first.state_dict())
