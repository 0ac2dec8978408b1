"""Metrics against the golden file, a slow oracle and hand-made cases."""

import numpy as np
import pytest
import torch
from PIL import Image

from mmseg.core.evaluation import (
    confusion_matrix,
    eval_metrics,
    intersect_and_union,
    mean_dice,
    mean_fscore,
    mean_iou,
    total_intersect_and_union,
)
from mmseg.utils.errors import UserError
from tests.golden import load

IGNORE = 255


@pytest.fixture(scope='module')
def golden():
    return load('metrics')


def slow_areas(pred, label, num_classes):
    """Count class by class and pixel by pixel."""
    areas = np.zeros((4, num_classes))
    for p, t in zip(pred.ravel().tolist(), label.ravel().tolist(), strict=True):
        for c in range(num_classes):
            if t != IGNORE:
                areas[:, c] += [p == t == c, c in (p, t), p == c, t == c]
    return areas


@pytest.mark.parametrize(
    ('function', 'name'), [(mean_iou, 'mIoU'), (mean_dice, 'mDice'), (mean_fscore, 'mFscore')]
)
def test_mean__equals_golden(golden, function, name):
    values = function(golden['preds'], golden['labels'], 19, IGNORE)
    for key, value in values.items():
        np.testing.assert_allclose(value, golden[f'{name}_{key}'], rtol=1e-6, err_msg=key)
    assert len(values) == sum(key.startswith(f'{name}_') for key in golden)


def test_confusion_matrix__rows_are_true_classes_and_the_last_are_in_none():
    label = np.array([[0, 0, 1, 1, 255, 7]], np.uint8)
    pred = np.array([[0, 1, 1, 9, 0, 1]])
    expected = [[1, 1, 0], [0, 1, 1], [0, 1, 0]]
    assert confusion_matrix(pred, label, 2, IGNORE).tolist() == expected


def test_intersect_and_union__equals_golden(golden):
    areas = intersect_and_union(golden['preds'][0], golden['labels'][0], 19, IGNORE)
    for area, name in zip(areas, ('intersect', 'union', 'pred', 'label'), strict=True):
        assert area.dtype == torch.float32
        np.testing.assert_array_equal(area, golden[f'area_{name}'])


@pytest.mark.parametrize('num_classes', [2, 5])
@pytest.mark.parametrize('as_tensor', [False, True])
def test_intersect_and_union__equals_slow_count(num_classes, as_tensor):
    rng = np.random.default_rng(num_classes)
    # predictions and labels beyond the classes belong to none
    pred = rng.integers(0, num_classes + 2, (7, 11))
    label = rng.choice([*range(num_classes + 1), IGNORE], (7, 11)).astype(np.uint8)
    expected = slow_areas(pred, label, num_classes)
    if as_tensor:
        pred, label = torch.from_numpy(pred), torch.from_numpy(label)
    areas = intersect_and_union(pred, label, num_classes, IGNORE)
    np.testing.assert_array_equal(torch.stack(areas), expected)


def test_intersect_and_union__reads_files(tmp_path):
    pred = np.array([[0, 1], [1, 1]])
    label = np.array([[0, 1], [0, 255]], np.uint8)
    np.save(tmp_path / 'pred.npy', pred)
    Image.fromarray(label).save(tmp_path / 'label.png')
    files = str(tmp_path / 'pred.npy'), str(tmp_path / 'label.png')
    from_files = intersect_and_union(*files, 2, IGNORE)
    np.testing.assert_array_equal(
        torch.stack(from_files), torch.stack(intersect_and_union(pred, label, 2, IGNORE))
    )


def test_intersect_and_union__label_map_swaps_classes():
    label = np.array([[0, 1, 1]])
    intersect, *_ = intersect_and_union(np.array([[1, 0, 0]]), label, 2, IGNORE, {0: 1, 1: 0})
    assert intersect.tolist() == [2, 1]


def test_intersect_and_union__reduce_zero_label_ignores_zero():
    label = np.array([[0, 1, 2, 255]], np.uint8)
    *_, area_label = intersect_and_union(np.zeros((1, 4), int), label, 2, IGNORE, None, True)
    assert area_label.tolist() == [1, 1]


def test_intersect_and_union__sizes_that_differ_are_named():
    with pytest.raises(UserError, match=r'\(2, 3\).*\(3, 2\)'):
        intersect_and_union(np.zeros((2, 3)), np.zeros((3, 2)), 2, IGNORE)


def test_total__as_many_predictions_as_labels():
    with pytest.raises(UserError, match='not as many predictions'):
        total_intersect_and_union([np.zeros((2, 2))], [], 2, IGNORE)


def test_eval_metrics__all_at_once(golden):
    values = eval_metrics(
        golden['preds'], golden['labels'], 19, IGNORE, ['mIoU', 'mDice', 'mFscore']
    )
    assert list(values) == ['aAcc', 'IoU', 'Acc', 'Dice', 'Fscore', 'Precision', 'Recall']


def test_eval_metrics__class_that_is_nowhere_is_nan_or_what_was_asked():
    maps = [np.zeros((2, 2), int)]
    assert np.isnan(mean_iou(maps, maps, 2, IGNORE)['IoU'][1])
    assert mean_iou(maps, maps, 2, IGNORE, nan_to_num=-1)['IoU'].tolist() == [1, -1]


def test_eval_metrics__beta_weighs_recall():
    pred, label = [np.array([[0, 0, 0, 1]])], [np.array([[0, 1, 1, 1]])]
    values = mean_fscore(pred, label, 2, IGNORE, beta=2)
    precision, recall = 1 / 3, 1
    expected = 5 * precision * recall / (4 * precision + recall)
    assert values['Fscore'][0] == pytest.approx(expected)


def test_eval_metrics__unknown_metric_is_named():
    with pytest.raises(UserError, match="no metric 'mAP'; available: mIoU"):
        eval_metrics([], [], 2, IGNORE, 'mAP')
