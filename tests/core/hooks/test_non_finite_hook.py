import pytest
import torch
from torch import nn

from mmseg.core.checkpoint import read_checkpoint
from mmseg.core.guarded_step import step_if_finite
from mmseg.core.hooks import (
    CheckpointHook,
    GradientCumulativeOptimizerHook,
    NonFiniteHook,
    OptimizerHook,
)
from mmseg.utils.errors import UserError
from tests.core.hooks.training import TinySegmentor, make_runner, train

nan, inf = float('nan'), float('inf')


class Spoilt(TinySegmentor):
    """Its loss, or its gradient alone, is spoilt in some iterations."""

    def __init__(self, spoilt, value=nan, gradient_only=False):
        super().__init__()
        self.norm = nn.BatchNorm2d(2)
        self.spoilt, self.value, self.gradient_only = set(spoilt), value, gradient_only
        self.iteration = 0

    def train_step(self, batch, optimizer):
        logits = self.norm(self.conv(batch['img']))
        is_spoilt = self.iteration in self.spoilt
        self.iteration += 1
        if is_spoilt and not self.gradient_only:
            logits = self.norm(logits * self.value)
        if is_spoilt and self.gradient_only:
            logits.register_hook(lambda gradient: gradient * self.value)
        loss = nn.functional.cross_entropy(logits, batch['gt_semantic_seg'][:, 0])
        return {'loss': loss, 'log_vars': {'loss': loss.item()}, 'num_samples': 3}


def hooks(max_in_row=3):
    return [OptimizerHook(), NonFiniteHook(max_in_row), CheckpointHook(1)]


def state(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.parametrize('gradient_only', [False, True])
@pytest.mark.parametrize('value', [nan, inf])
def test_non_finite_hook__weights_and_statistics_stay_as_they_were(tmp_path, gradient_only, value):
    model = Spoilt({2}, value, gradient_only)
    runner = train(make_runner(model, tmp_path, 4, hooks()))
    before, after = (read_checkpoint(tmp_path / f'iter_{n}.pth')['state_dict'] for n in (2, 3))
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert runner.meta['skipped_steps'] == 1
    last = read_checkpoint(tmp_path / 'iter_4.pth')
    assert not torch.equal(after['conv.weight'], last['state_dict']['conv.weight'])
    assert last['meta']['skipped_steps'] == 1


def test_non_finite_hook__a_row_ends_the_run_with_the_batch_and_the_state_it_met(tmp_path):
    model = Spoilt({1, 3, 4, 5})
    runner = make_runner(model, tmp_path, 9, hooks(), meta={'seed': 5, 'config': '{}'})
    with pytest.raises(UserError, match=r'3 steps in a row .*replay_batch\.py'):
        train(runner)
    (path,) = (tmp_path / 'non_finite').iterdir()
    saved = read_checkpoint(path)
    assert path.name == 'iter_6_rank_0.pth'
    assert (saved['meta']['iter'], saved['meta']['seed'], saved['meta']['rank']) == (5, 5, 0)
    assert saved['batch']['img'].shape == (3, 3, 6, 8)
    assert saved['batch']['img_metas'][0]['img_norm_cfg']['to_rgb'] is True
    before = read_checkpoint(tmp_path / 'iter_5.pth')['state_dict']
    assert all(torch.equal(before[key], saved['state_dict'][key]) for key in before)


def test_non_finite_hook__finite_runs_are_not_changed_by_it(tmp_path):
    one = train(make_runner(Spoilt(()), tmp_path / 'a', 4, [OptimizerHook()]))
    guarded = [OptimizerHook(), NonFiniteHook()]
    other = train(make_runner(Spoilt(()), tmp_path / 'b', 4, guarded))
    pairs = zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_non_finite_hook__a_row_of_one_is_refused():
    with pytest.raises(UserError, match='at least 2'):
        NonFiniteHook(1)


@pytest.mark.parametrize('gradient_only', [False, True])
@pytest.mark.parametrize(('spoilt', 'first'), [({3}, 4), ({4, 5}, 5), ({5}, 6), ({3, 4, 5}, 4)])
def test_non_finite_hook__a_window_is_skipped_and_counted_once(
    tmp_path, spoilt, first, gradient_only, caplog
):
    model = Spoilt(spoilt, gradient_only=gradient_only)
    hooks = [GradientCumulativeOptimizerHook(3), NonFiniteHook(2), CheckpointHook(1)]
    with caplog.at_level('WARNING', 'mmseg'):
        runner = train(make_runner(model, tmp_path, 9, hooks))
    assert runner.meta['skipped_steps'] == 1
    weights = [read_checkpoint(tmp_path / f'iter_{n}.pth')['state_dict'] for n in (3, 6, 9)]
    assert torch.equal(weights[0]['conv.weight'], weights[1]['conv.weight'])
    assert not torch.equal(weights[1]['conv.weight'], weights[2]['conv.weight'])
    assert all(value.isfinite().all() for state in weights for value in state.values())
    (said,) = [r.message for r in caplog.records if 'skipped' in r.message]
    assert f'iteration {first}:' in said and '1 in a row, 1 in all' in said


def test_non_finite_hook__windows_in_a_row_end_the_run_with_the_batch_that_spoilt_the_last(
    tmp_path,
):
    hooks = [GradientCumulativeOptimizerHook(3), NonFiniteHook(2)]
    with pytest.raises(UserError, match='2 steps in a row') as end:
        train(make_runner(Spoilt({1, 4}), tmp_path, 9, hooks))
    assert 'iter_5_rank_0.pth' in str(end.value)
    assert read_checkpoint(tmp_path / 'non_finite/iter_5_rank_0.pth')['meta']['iter'] == 4


@pytest.mark.parametrize(
    ('loss', 'gradient', 'steps'), [(1, 1, True), (nan, 1, False), (1, inf, False)]
)
def test_step_if_finite__steps_only_then(loss, gradient, steps):
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, gradient])
    optimizer = torch.optim.SGD([parameter, nn.Parameter(torch.ones(1))], lr=0.5)
    assert step_if_finite(optimizer, loss) is steps
    assert parameter.tolist() == ([0.5, 0.5] if steps else [1.0, 1.0])
