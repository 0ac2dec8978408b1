"""Evaluation as a config asks for it: what is measured, kept and told before training begins."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmcv.utils import Config

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.evaluation import build_evaluation_hook, evaluation_settings
from mmseg.core.evaluation.percent import main_score
from mmseg.core.hooks import CheckpointHook, EvalHook, ResultHook, TextLoggerHook
from mmseg.datasets import build_dataset
from mmseg.report import ReportHook
from mmseg.utils.errors import UserError
from tests.apis import tiny
from tests.core.hooks.training import TinySegmentor, TinySelfTraining, make_runner, train

CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    return load_config(tiny.write_config(tmp_path_factory.mktemp('tiny')))


@pytest.fixture
def config(written, tmp_path):
    config = Config.fromstring(json.dumps(written._cfg_dict), '.json')
    config.work_dir = str(tmp_path / 'run')
    return config


def settings_of(config):
    return evaluation_settings(config, build_dataset(config.data.val, {'test_mode': True}))


@pytest.mark.parametrize(
    ('evaluation', 'metrics', 'best'),
    [
        (None, ['mIoU'], 'mIoU'),
        ({'metric': 'mDice'}, ['mDice'], 'mDice'),
        ({'metric': ['mFscore', 'mIoU']}, ['mFscore', 'mIoU'], 'mFscore'),
        ({'metric': ['mIoU', 'mDice'], 'save_best': 'mDice'}, ['mIoU', 'mDice'], 'mDice'),
        ({'metric': 'mFscore', 'save_best': 'Recall.pole'}, ['mFscore'], 'Recall.pole'),
        ({'metric': 'mDice', 'save_best': 'auto', 'pre_eval': True}, ['mDice'], 'mDice'),
        ({'save_best': 'mIoU3', 'efficient_test': True}, ['mIoU'], 'mIoU3'),
        ({'save_best': None, 'by_epoch': False}, ['mIoU'], None),
    ],
)
def test_evaluation_settings__the_best_is_judged_by_what_is_measured(
    config, evaluation, metrics, best
):
    config.evaluation = evaluation
    settings = settings_of(config)
    assert settings.metric == metrics and settings.save_best == best


@pytest.mark.parametrize(
    ('evaluation', 'told'),
    [
        ({'metric': 'mIou'}, "there is no metric 'mIou'; available: mIoU, mDice, mFscore"),
        ({'metric': ['mIoU', 'dice']}, "there is no metric 'dice'"),
        ({'metric': []}, 'no metric is asked for'),
        ({'metric': 'mDice', 'save_best': 'mIoU'}, "no metric 'mIoU' among those of evaluation"),
        ({'save_best': 'IoU.car'}, "no metric 'IoU.car' among"),
        ({'by_epoch': True}, 'by_epoch: expected False'),
        ({'start': 5}, "'evaluation.start' is read by nobody"),
        ({'interval': 'often'}, r"evaluation\.interval: expected a whole number, got 'often'"),
    ],
)
def test_build_evaluation_hook__mistakes_are_told_at_once(config, evaluation, told):
    config.evaluation = evaluation
    with pytest.raises(UserError, match=told):
        build_evaluation_hook(config, CPU)


@pytest.mark.parametrize(
    ('changes', 'told'),
    [
        ({'ann_dir': None}, r'\(data.val\) have no labels to evaluate with: set ann_dir'),
        ({'load_labels': False}, 'train with --no-validate'),
        ({'eval_classes': ['road', 'tram']}, "unknown class 'tram' in a mean"),
    ],
)
def test_build_evaluation_hook__a_set_that_cannot_be_evaluated_on(config, changes, told):
    config.data.val.update(changes)
    with pytest.raises(UserError, match=told):
        build_evaluation_hook(config, CPU)


def test_build_evaluation_hook__a_set_without_names_goes_by_the_numbers_of_the_head(config):
    config.data.val.update(classes=None, palette=None, extra_means=None)
    hook = build_evaluation_hook(config, CPU)
    torch.manual_seed(0)
    scores = hook.evaluate(init_segmentor(config, device='cpu'), 'student')
    assert [name for name in scores if name.startswith('IoU.')] == [f'IoU.{c}' for c in range(5)]


def trained(folder, network_scores, teacher_scores=None):
    """Train small networks for an iteration, with these scores as their evaluation."""
    scores = {'student': network_scores, 'teacher': teacher_scores}
    hook = EvalHook(lambda network, name: scores[name], 1, save_best=main_score(network_scores))
    hooks = [TextLoggerHook(1), hook, ResultHook(hook), ReportHook()]
    model = TinySegmentor() if teacher_scores is None else TinySelfTraining()
    train(make_runner(model, folder, 2, hooks))
    return json.loads((folder / 'result.json').read_text())


@pytest.mark.parametrize('kind', ['all ignored', 'one class alone', 'a class without pixels'])
def test_evaluate__labels_that_leave_nothing_to_measure(config, tmp_path, caplog, kind):
    labels = {
        'all ignored': np.full((40, 56), 255, np.uint8),
        'one class alone': np.full((40, 56), 2, np.uint8),
        'a class without pixels': np.repeat(np.arange(4, dtype=np.uint8), 10)[:, None],
    }[kind]
    for index in range(3):
        (tmp_path / 'labels').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f'labels/{index}.png'), np.broadcast_to(labels, (40, 56)).copy())
    config.data.val.ann_dir = str(tmp_path / 'labels')
    config.evaluation = {'metric': ['mIoU', 'mDice', 'mFscore']}
    network = init_segmentor(config, device='cpu')
    scores = build_evaluation_hook(config, CPU).evaluate(network, 'student')
    ignored = kind == 'all ignored'
    assert np.isnan(scores['aAcc']) == np.isnan(scores['mIoU']) == ignored
    assert np.isnan(scores['Acc.sky'])
    caplog.set_level('WARNING')
    result = trained(tmp_path / 'run', scores, scores if ignored else None)
    assert (result['mIoU'] is None) == (result['mDice'] is None) == ignored
    assert bool(list((tmp_path / 'run').glob('best_*'))) != ignored
    assert ('nothing could be evaluated: not one pixel' in caplog.text) == ignored
    assert '"' in (tmp_path / 'run/report.html').read_text('utf-8')
    assert 'could not be written' not in caplog.text


def test_evaluate__dice_without_iou_runs_through_log_result_report_and_best(tmp_path, caplog):
    scores = {'aAcc': 0.5, 'mDice': 0.25, 'mAcc': 0.5, 'Dice.road': 0.25, 'Acc.road': 0.5}
    better = {name: value * 1.5 for name, value in scores.items()}
    caplog.set_level('INFO')
    result = trained(tmp_path / 'run', scores, better)
    assert (result['mDice'], result['mDice_teacher']) == (25.0, 37.5)
    assert result['Dice'] == {'road': 25.0} and result['mIoU'] is None
    assert (tmp_path / 'run/best_mDice_iter_1.pth').is_file()
    assert '2/2 evaluated: student mDice 25.0 teacher mDice 37.5' in caplog.text
    page = (tmp_path / 'run/report.html').read_text('utf-8')
    assert '<dt>mDice teacher</dt><dd>37.50' in page
    (log,) = (tmp_path / 'run').glob('*.log.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [r['student']['mDice'] for r in records if r.get('mode') == 'val'] == [0.25, 0.25]


def test_evaluate__the_best_of_another_metric_does_not_count(tmp_path):
    def hooks(metric, score):
        hook = EvalHook(lambda network, name: {metric: score}, 1, save_best=metric)
        return [hook, CheckpointHook(1)]

    train(make_runner(TinySegmentor(), tmp_path, 1, hooks('mIoU', 0.75)))
    resumed = make_runner(TinySegmentor(), tmp_path, 2, hooks('mDice', 0.5))
    resumed.resume(str(tmp_path / 'latest.pth'))
    train(resumed)
    assert (tmp_path / 'best_mDice_iter_2.pth').is_file()
    assert resumed.meta['best'] == {
        'score': 0.5,
        'file': 'best_mDice_iter_2.pth',
        'metric': 'mDice',
    }
