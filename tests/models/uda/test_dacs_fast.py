"""The training step in lower precision and other memory layouts, and what it never waits for."""

import copy

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg.core.precision import Precision

from .test_dacs import INSTANCE, batch, build, sgd

# Operations that read a device's values on the host.
WAITING = ('_local_scalar_dense', 'nonzero', 'masked_select', 'unique', 'bincount')


@pytest.fixture(scope='module')
def ready():
    """A model whose bank is full."""
    dacs = build(instance={**INSTANCE, 'update_interval': 1})
    seed = 0
    while not dacs.bank.is_full:
        dacs.train_step(batch(2, seed), sgd(dacs))
        seed += 1
    return dacs


def step(dacs, data=None):
    """The losses of a step of a copy, and the student's gradients in one vector."""
    num_updates = dacs.teacher.num_updates
    dacs = copy.deepcopy(dacs)
    dacs.teacher.num_updates = num_updates
    losses = dict(dacs.train_step(data or batch(2, 99), sgd(dacs))['log_vars'])
    gradients = [p.grad.flatten() for p in dacs.model.parameters() if p.grad is not None]
    return losses, torch.cat(gradients)


def in_precision(dacs, amp):
    dacs = copy.deepcopy(dacs)
    dacs.precision = Precision(amp)
    return dacs


@pytest.mark.parametrize('amp', ['bf16', 'fp16'])
def test_train_step__in_half_precision_the_losses_differ_by_a_hundredth(ready, amp):
    exact, exact_gradient = step(ready)
    losses, gradient = step(in_precision(ready, amp))
    if amp == 'fp16':
        gradient = gradient / Precision(amp).state_dict()['scale']
    for name, value in exact.items():
        if 'loss' in name:
            assert losses[name] == pytest.approx(value, rel=1e-2), name
    assert torch.cosine_similarity(gradient, exact_gradient, dim=0) > 0.98


def test_train_step__in_half_precision_bank_and_weights_stay_float32(ready):
    dacs = in_precision(ready, 'bf16')
    before = dacs.bank.features.clone()
    dacs.train_step(batch(2, 99), sgd(dacs, lr=0.1))
    assert {p.dtype for p in dacs.parameters()} == {torch.float32}
    assert dacs.bank.features.dtype == torch.float32
    assert not torch.equal(dacs.bank.features, before)


def test_train_step__in_channels_last_order_the_losses_are_the_same(ready):
    losses, gradient = step(ready)
    others, other = step(copy.deepcopy(ready).to(memory_format=torch.channels_last))
    for name, value in losses.items():
        assert others[name] == pytest.approx(value, rel=1e-5), name
    torch.testing.assert_close(other, gradient, rtol=1e-3, atol=1e-5)


def test_print_grad_magnitude__logs_norms_without_the_loss_scale(ready):
    exact, scaled = copy.deepcopy(ready), in_precision(ready, 'fp16')
    exact.print_grad_magnitude = scaled.print_grad_magnitude = True
    expected, _ = step(exact)
    found, _ = step(scaled)
    for part in ('source', 'mixed'):
        name = f'grad_norm_after_{part}'
        assert found[name] == pytest.approx(expected[name], rel=5e-2)


class Watching(TorchDispatchMode):
    """Collects the operations that would wait for a device."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        if name.startswith(WAITING):
            self.waits.append(name)
        return function(*args, **(kwargs or {}))


def test_train_step__reads_no_value_of_the_device():
    dacs, data = build(instance=None), batch(2, 99)
    optimizer = torch.optim.AdamW(dacs.model.parameters(), fused=True)
    with Watching() as watching:
        dacs.train_step(data, optimizer)
    assert watching.waits == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('amp', [None, 'bf16', 'fp16'])
def test_train_step__never_waits_for_the_gpu(ready, amp):
    dacs = copy.deepcopy(ready).cuda()
    dacs.precision = Precision(amp, 'cuda')
    optimizer = torch.optim.AdamW(dacs.model.parameters(), fused=True)
    batches = [
        {name: value.cuda() if torch.is_tensor(value) else value for name, value in data.items()}
        for data in (batch(2, 98), batch(2, 99))
    ]
    dacs.train_step(batches[0], optimizer)
    torch.cuda.set_sync_debug_mode('error')
    try:
        dacs.train_step(batches[1], optimizer)
    finally:
        torch.cuda.set_sync_debug_mode('default')
