import numpy as np
import pytest
import torch

from mmseg.core.evaluation.percent import (
    in_percent,
    main_score,
    metrics_table,
    result_in_percent,
    scores_in_percent,
)
from mmseg.datasets import build_dataset
from tests.apis import tiny

METRICS = {
    'aAcc': 0.5,
    'mIoU': 0.25,
    'mAcc': 0.125,
    'mIoU13': 0.333333,
    'IoU.road': 0.25,
    'IoU.sky': float('nan'),
    'Acc.road': 1.0,
    'Acc.sky': float('nan'),
}


def test_in_percent__sorts_means_and_classes_and_drops_what_is_not_there():
    assert in_percent(METRICS) == {
        'mIoU': 25.0,
        'IoU': {'road': 25.0, 'sky': None},
        'extra': {'mIoU13': 33.33},
    }


def test_in_percent__without_an_evaluation_all_is_empty():
    assert in_percent(None) == {'mIoU': None, 'IoU': {}, 'extra': {}}


def test_metrics_table__one_line_per_class_then_the_means():
    rows = [line.split() for line in metrics_table(METRICS).splitlines()]
    assert rows[0] == ['class', 'IoU', 'Acc']
    assert rows[2:4] == [['road', '25.00', '100.00'], ['sky', '-', '-']]
    assert ['mIoU13', '33.33'] in rows and ['mIoU', '25.00'] in rows
    assert len(rows) == 2 + 2 + 1 + 4


# Pixels of true classes (rows) taken for road, car, sky or none.
COUNTS = np.array([[6, 2, 0, 0], [1, 3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
# class by class: TP, FP, FN
TP, FP, FN = np.array([6, 3, 0]), np.array([1, 2, 0]), np.array([2, 1, 0])


@pytest.fixture
def dataset(tmp_path):
    tiny.write_domain(tmp_path / 'val', 1, shade=10)
    settings = tiny.dataset(tmp_path / 'val', tiny.testing_pipeline())
    classes = {'classes': ['road', 'car', 'sky'], 'palette': None}
    return build_dataset({**settings, **classes}, {'test_mode': True})


def expected(kind):
    with np.errstate(invalid='ignore'):
        return {
            'IoU': TP / (TP + FP + FN),
            'Acc': TP / (TP + FN),
            'Dice': 2 * TP / (2 * TP + FP + FN),
            'Fscore': 2 * TP / (2 * TP + FP + FN),
            'Precision': TP / (TP + FP),
            'Recall': TP / (TP + FN),
        }[kind]


KINDS = {
    'mIoU': ['IoU', 'Acc'],
    'mDice': ['Acc', 'Dice'],
    'mFscore': ['Fscore', 'Precision', 'Recall'],
}


@pytest.mark.parametrize(
    'metrics',
    [
        ['mIoU'],
        ['mDice'],
        ['mFscore'],
        ['mDice', 'mFscore'],
        ['mFscore', 'mIoU', 'mDice'],
        ['mIoU', 'mDice', 'mIoU'],
    ],
)
def test_metrics_table__columns_of_what_was_asked_for_and_their_means(dataset, metrics):
    scores = dataset.scores_of(torch.from_numpy(COUNTS), metrics)
    order = ['IoU', 'Acc', 'Dice', 'Fscore', 'Precision', 'Recall']
    kinds = [kind for kind in order if any(kind in KINDS[metric] for metric in metrics)]
    head, _, *lines = [line.split() for line in metrics_table(scores).splitlines()]
    assert head == ['class', *kinds]
    table = {line[0]: line[1:] for line in lines}
    for index, name in enumerate(['road', 'car']):
        assert table[name] == [f'{100 * expected(kind)[index]:.2f}' for kind in kinds]
    assert table['sky'] == ['-'] * len(kinds)
    assert table['aAcc'] == ['75.00']
    for kind in kinds:
        assert table[f'm{kind}'] == [f'{100 * np.nanmean(expected(kind)):.2f}']
    assert len(table) == 3 + 1 + 1 + len(kinds)


def test_result_in_percent__what_else_was_measured_stands_beside_the_ious(dataset):
    scores = dataset.scores_of(torch.from_numpy(COUNTS), ['mDice'])
    result = result_in_percent(scores, None)
    dice = [round(100 * value, 2) for value in expected('Dice')[:2]]
    assert result['Dice'] == {'road': dice[0], 'car': dice[1], 'sky': None}
    assert result['mDice'] == round(100 * expected('Dice')[:2].mean(), 2)
    assert result['mDice_teacher'] is result['mIoU'] is result['mIoU_teacher'] is None
    assert result['IoU'] == result['extra'] == {} and 'mAcc' not in result


def test_main_score__speaks_for_all():
    assert main_score(['aAcc', 'mFscore', 'mDice']) == 'mDice'
    assert main_score(['mDice', 'mIoU']) == main_score([]) == 'mIoU'
    scores = {'mDice': 0.5, 'mIoU13': 0.25, 'mAcc': 0.1, 'mIoU': float('nan')}
    assert scores_in_percent(scores) == {'mIoU': None, 'mDice': 50.0, 'mIoU13': 25.0}


def test_scores_in_percent__hold_those_of_joined_data_sets():
    metrics = {'mIoU': 0.5, '0_mIoU': 0.25, '1_mIoU': 0.75, '0_aAcc': 0.1, 'IoU.road': 0.5}
    assert scores_in_percent(metrics) == {'mIoU': 50, '0_mIoU': 25, '1_mIoU': 75}
