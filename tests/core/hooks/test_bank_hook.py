import json
from types import SimpleNamespace

import pytest
import torch

from mmseg.core.hooks import BankHook, TextLoggerHook
from mmseg.core.hooks.bank_hook import class_means
from tests.core.hooks.training import TinySegmentor, TinySelfTraining, make_runner, train


def bank(quotas=(2, 1, 1)):
    features = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [9.0, 9.0]])
    return SimpleNamespace(
        labels=torch.tensor([0, 0, 1, -1]), features=features, quotas=list(quotas)
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


def test_bank_hook__a_model_without_a_bank_is_left_alone(tmp_path):
    train(make_runner(TinySegmentor(), tmp_path, 2, [BankHook(1), TextLoggerHook(1)]))
    assert records(tmp_path, 'bank') == []
    assert 'bank_filled' not in records(tmp_path, 'train')[0]
