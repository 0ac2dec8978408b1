import json
from types import SimpleNamespace

import pytest
import torch

from mmseg.core.hooks import BankHook, ResultHook, TextLoggerHook
from mmseg.core.hooks.bank_hook import class_means
from mmseg.utils.logger import get_root_logger
from tests.core.hooks.training import TinySegmentor, TinySelfTraining, make_runner, train


def bank(quotas=(2, 1, 1)):
    features = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [9.0, 9.0]])
    return SimpleNamespace(
        labels=torch.tensor([0, 0, 1, -1]), features=features, quotas=list(quotas), is_full=False
    )


def records(folder, mode):
    (path,) = folder.glob('*.log.json')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if line.get('mode') == mode]


def test_class_means__unfilled_entries_count_nowhere():
    counts, means = class_means(bank())
    assert counts.tolist() == [2, 1, 0]
    assert means[:2].tolist() == [[2, 0], [0, 2]] and means[2].isnan().all()


class Moving(BankHook):
    """Moves class 0 by a quarter of its length before every look at the bank."""

    def after_train_iter(self, runner):
        if 'bank_means' in runner.meta:
            runner.model.bank.features[:2] *= 1.25
        super().after_train_iter(runner)


def test_bank_hook__logs_occupancy_and_relative_drift(tmp_path):
    model = TinySelfTraining(bank())
    train(make_runner(model, tmp_path, 3, [Moving(1), TextLoggerHook(1)]))
    first, second, third = records(tmp_path, 'bank')
    assert first['counts'] == [2, 1, 0] and first['quotas'] == [2, 1, 1]
    assert first['drift'] == [None, None, None]
    assert second['drift'] == third['drift'] == [0.25, 0.0, None]
    trained = records(tmp_path, 'train')
    assert [record['bank_filled'] for record in trained] == [0.75] * 3
    assert trained[1]['bank_drift'] == pytest.approx(0.125)


class SharingOut(TinySelfTraining):
    """A bank whose last entry is shared out anew at iteration 2 and filled at iteration 3."""

    def train_step(self, batch, optimizer):
        self.num_steps = getattr(self, 'num_steps', 0) + 1
        if self.num_steps == 2:
            self.bank.quotas = [3, 1]
        if self.num_steps == 3:
            self.bank.labels[3], self.bank.is_full = 0, True
        return super().train_step(batch, optimizer)


def test_bank_hook__tells_when_entries_were_shared_out_and_since_when_the_loss_runs(tmp_path):
    get_root_logger(tmp_path / 'run.log')
    runner = make_runner(SharingOut(bank([2, 2])), tmp_path, 4, [BankHook(1), TextLoggerHook(1)])
    runner.register_hook(ResultHook(), 'LOWEST')
    train(runner)
    events = [(record['shared_out'], record['loss_since']) for record in records(tmp_path, 'bank')]
    assert events == [([], None), ([2], None), ([2], 3), ([2], 3)]
    log = (tmp_path / 'run.log').read_text()
    assert '3 of 4 entries are filled, the others wait for sky (1 of 2)' in log
    assert 'at iteration 2 unfilled entries' in log and 'road 2 → 3, sky 2 → 1' in log
    assert 'the instance loss runs from iteration 3' in log and 'never ran' not in log
    assert json.loads((tmp_path / 'result.json').read_text())['instance_loss_since'] == 3


def test_bank_hook__a_run_that_ends_without_the_instance_loss_says_so(tmp_path):
    get_root_logger(tmp_path / 'run.log')
    runner = make_runner(TinySelfTraining(bank([2, 2])), tmp_path, 2, [BankHook(5)])
    runner.register_hook(ResultHook(), 'LOWEST')
    train(runner)
    last = (tmp_path / 'run.log').read_text().splitlines()[-1]
    assert 'WARNING - the instance loss never ran' in last
    assert 'wait for sky (1 of 2)' in last
    assert json.loads((tmp_path / 'result.json').read_text())['instance_loss_since'] is None


def test_bank_hook__events_before_a_resumption_are_not_told_anew(tmp_path):
    model = TinySelfTraining(bank([2, 2]))
    model.bank.is_full = True
    meta = {'bank': {'shared_out': [2], 'loss_since': 3}}
    train(make_runner(model, tmp_path, 2, [BankHook(1), TextLoggerHook(1)], meta=meta))
    assert [r['loss_since'] for r in records(tmp_path, 'bank')] == [3, 3]


def test_bank_hook__a_model_without_a_bank_is_left_alone(tmp_path):
    train(make_runner(TinySegmentor(), tmp_path, 2, [BankHook(1), TextLoggerHook(1)]))
    assert records(tmp_path, 'bank') == []
    assert 'bank_filled' not in records(tmp_path, 'train')[0]
