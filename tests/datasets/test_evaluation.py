import logging

import numpy as np
import pytest

from mmseg.core.evaluation import mean_iou
from mmseg.datasets import CustomDataset
from mmseg.utils.errors import UserError

from .layouts import photograph, write_png


@pytest.fixture
def dataset(make_cityscapes_val):
    return make_cityscapes_val()


def wrong_predictions(dataset):
    """Labels with a stripe of another class, and nothing ignored."""
    preds = [np.where(gt == 255, 0, gt).astype(np.int64) for gt in dataset.get_gt_seg_maps()]
    for pred in preds:
        pred[:, 10:20] = 9  # terrain, which no label holds
    return preds


def test_evaluate__perfect_predictions_score_one(dataset):
    scores = dataset.evaluate(list(dataset.get_gt_seg_maps()))
    assert scores['mIoU'] == scores['mAcc'] == scores['aAcc'] == scores['IoU.road'] == 1
    assert np.isnan(scores['IoU.train'])


def test_evaluate__agrees_with_mean_iou(dataset):
    preds, labels = wrong_predictions(dataset), list(dataset.get_gt_seg_maps())
    expected = mean_iou(preds, labels, 19, 255)
    scores = dataset.evaluate(preds)
    np.testing.assert_allclose([scores[f'IoU.{c}'] for c in dataset.CLASSES], expected['IoU'])
    np.testing.assert_allclose(scores['mIoU'], np.nanmean(expected['IoU']))
    np.testing.assert_allclose(scores['aAcc'], expected['aAcc'])


def test_evaluate__counts_of_pre_eval_give_the_same(dataset):
    preds = wrong_predictions(dataset)
    areas = dataset.pre_eval(preds[:2], [0, 1]) + dataset.pre_eval(preds[2], 2)
    assert dataset.evaluate(areas) == pytest.approx(dataset.evaluate(preds), nan_ok=True)


def test_evaluate__eval_classes_leave_out_what_has_no_label(make_cityscapes_val):
    dataset = make_cityscapes_val(eval_classes=['road', 'sky', 'terrain', 'train'])
    scores = dataset.evaluate(wrong_predictions(dataset))
    assert scores['IoU.terrain'] == 0
    assert scores['mIoU'] == pytest.approx((scores['IoU.road'] + scores['IoU.sky']) / 2)


def test_evaluate__extra_means_stand_beside_the_mean(make_cityscapes_val):
    dataset = make_cityscapes_val(extra_means={'mIoU2': ['road', 'car']})
    scores = dataset.evaluate(wrong_predictions(dataset))
    assert scores['mIoU2'] == pytest.approx((scores['IoU.road'] + scores['IoU.car']) / 2)
    assert scores['mIoU2'] != pytest.approx(scores['mIoU'])


def test_evaluate__other_metrics_and_a_table(dataset, caplog):
    logger = logging.getLogger('test_evaluation')
    with caplog.at_level(logging.INFO, logger='test_evaluation'):
        scores = dataset.evaluate(wrong_predictions(dataset), ['mIoU', 'mFscore'], logger)
    assert {'mFscore', 'mPrecision', 'Recall.road'} <= set(scores)
    assert 'building' in caplog.text
    assert max(map(len, caplog.text.splitlines())) <= 120


def test_evaluate__number_of_results_and_class_names_are_checked(make_cityscapes_val):
    dataset = make_cityscapes_val(eval_classes=['roads'])
    preds = list(dataset.get_gt_seg_maps())
    with pytest.raises(UserError, match='expected 3 results, one an image, got 2'):
        dataset.evaluate(preds[:2])
    with pytest.raises(UserError, match=r"'roads'.*'road'"):
        dataset.evaluate(preds)


def test_confusion__adds_up_over_the_set(dataset):
    preds, labels = wrong_predictions(dataset), list(dataset.get_gt_seg_maps())
    confusion = dataset.confusion(preds)
    assert confusion.shape == (20, 20)
    assert confusion.sum() == sum((label != 255).sum() for label in labels)
    terrain = sum(
        ((label != 255) & (pred == 9)).sum() for label, pred in zip(labels, preds, strict=True)
    )
    assert confusion[:, 9].sum() == terrain > 0


@pytest.mark.parametrize('ignored', [0, 2, 5, 254])
def test_evaluate__pixels_that_the_files_ignore_do_not_count(tmp_path, ignored):
    labels = np.array([[0, 1, 1, 3], [2, 4, 3, 3]], np.uint8)
    labels[0, 1] = labels[1, 3] = ignored
    write_png(tmp_path / 'labels/a.png', labels)
    write_png(tmp_path / 'images/a.png', photograph(0, 2, 4))
    dataset = CustomDataset(
        [{'type': 'LoadImageFromFile'}],
        str(tmp_path / 'images'),
        '.png',
        str(tmp_path / 'labels'),
        classes=list('abcde'),
        ignore_index=ignored,
    )
    pred = np.array([[0, 4, 1, 3], [2, 3, 3, 4]])  # wrong at the ignored pixels, and at one of e
    scores = dataset.evaluate([pred])
    counted = labels != ignored
    assert scores['aAcc'] == pytest.approx((counted.sum() - 1) / counted.sum())
    assert scores['IoU.b'] == 1  # 0.5 if the first ignored pixel counted
    assert scores['IoU.d'] == pytest.approx(2 / 3)  # two pixels found, one of e taken for d
    assert scores['IoU.e'] == 0
