import json
import os

import pytest

from mmseg.core.checkpoint import read_checkpoint
from mmseg.core.hooks import CheckpointHook, EvalHook, ResultHook, TextLoggerHook
from mmseg.utils.errors import UserError
from tests.core.hooks.training import TinySegmentor, TinySelfTraining, make_runner, train


class Evaluator:
    """Hands out prepared scores and remembers who was evaluated in which mode."""

    def __init__(self, scores):
        self.scores = iter(scores)
        self.seen = []

    def __call__(self, network, name):
        self.seen.append((name, network, network.training))
        return {'mIoU': next(self.scores), 'IoU.road': 0.5, 'mIoU13': 0.25}


def test_eval_hook__evaluates_at_intervals_and_after_the_last_iteration(tmp_path):
    evaluate = Evaluator([0.1, 0.2, 0.3])
    hook = EvalHook(evaluate, interval=2, save_best=None)
    train(make_runner(TinySegmentor(), tmp_path, 5, [hook]))
    assert len(evaluate.seen) == 3
    assert hook.latest['student']['mIoU'] == 0.3


def test_eval_hook__student_and_teacher_in_eval_mode_which_is_put_back(tmp_path):
    evaluate = Evaluator([0.1, 0.2])
    model = TinySelfTraining()
    model.train()
    model.ema_model.dropout.eval()
    runner = make_runner(model, tmp_path, 1)
    hook = EvalHook(evaluate, save_best=None)
    hook.after_train_iter(runner)
    assert evaluate.seen == [
        ('student', model.model, False),
        ('teacher', model.ema_model, False),
    ]
    assert model.ema_model.conv.training and not model.ema_model.dropout.training


@pytest.mark.parametrize('with_checkpoints', [True, False])
def test_eval_hook__keeps_the_best_checkpoint_only(tmp_path, with_checkpoints):
    nan = float('nan')
    hooks = [CheckpointHook(1, 1)] if with_checkpoints else []
    hooks.append(EvalHook(Evaluator([0.2, 0.6, 0.4, nan]), interval=1))
    train(make_runner(TinySegmentor(), tmp_path, 4, hooks))
    best = [name for name in os.listdir(tmp_path) if name.startswith('best')]
    assert best == ['best_mIoU_iter_2.pth']
    assert read_checkpoint(tmp_path / best[0])['meta']['iter'] == 2


def test_eval_hook__the_best_is_remembered_over_a_resume(tmp_path):
    def hooks(scores):
        return [EvalHook(Evaluator(scores), interval=1), CheckpointHook(1)]

    train(make_runner(TinySegmentor(), tmp_path, 1, hooks([0.6])))
    resumed = make_runner(TinySegmentor(), tmp_path, 2, hooks([0.4]))
    resumed.resume(str(tmp_path / 'latest.pth'))
    train(resumed)
    assert (tmp_path / 'best_mIoU_iter_1.pth').is_file()
    assert not (tmp_path / 'best_mIoU_iter_2.pth').exists()


def test_eval_hook__an_unknown_metric_for_the_best_names_those_there_are(tmp_path):
    hook = EvalHook(Evaluator([0.1]), save_best='mDice')
    with pytest.raises(UserError, match=r"'mDice'; there are .*mIoU"):
        train(make_runner(TinySegmentor(), tmp_path, 1, [hook]))


def test_eval_hook__scores_stand_in_the_json_log(tmp_path):
    hooks = [TextLoggerHook(1), EvalHook(Evaluator([0.1, 0.2]), save_best=None)]
    train(make_runner(TinySelfTraining(), tmp_path, 1, hooks))
    (path,) = tmp_path.glob('*.log.json')
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert records[-1]['mode'] == 'val' and records[-1]['iter'] == 1
    assert records[-1]['student']['mIoU'] == 0.1 and records[-1]['teacher']['mIoU'] == 0.2


def result_of(tmp_path, model, evaluation):
    hooks = [ResultHook(evaluation)] + ([evaluation] if evaluation else [])
    train(make_runner(model, tmp_path, 2, hooks))
    return json.loads((tmp_path / 'result.json').read_text())


def test_result_hook__writes_percent_time_and_memory(tmp_path):
    evaluation = EvalHook(Evaluator([0.125, 0.5]), save_best=None)
    result = result_of(tmp_path, TinySelfTraining(), evaluation)
    assert result['mIoU'] == 12.5 and result['mIoU_teacher'] == 50.0
    assert result['IoU'] == {'road': 50.0} and result['extra'] == {'mIoU13': 25.0}
    assert result['seconds'] >= 0 and 0.01 < result['peak_memory_gb'] < 100


def test_result_hook__without_teacher_or_evaluation_there_are_nulls(tmp_path):
    evaluation = EvalHook(Evaluator([0.125]), save_best=None)
    assert result_of(tmp_path / 'a', TinySegmentor(), evaluation)['mIoU_teacher'] is None
    assert result_of(tmp_path / 'b', TinySegmentor(), None)['mIoU'] is None
