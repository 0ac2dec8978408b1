import cv2
import numpy as np
import pytest

from mmseg.apis.checks import all_checks, findings_of
from mmseg.apis.checks.evaluation import val_can_be_evaluated, val_gives_views
from mmseg.utils.errors import UserError
from tests.apis.checks.runs import built, config_of, data_of, messages, run_of


def test_val_can_be_evaluated__labels_and_a_metric_that_is_known(tmp_path):
    run = run_of(tmp_path, evaluation__metric='["mDice","mIoU"]')
    assert messages(val_can_be_evaluated, run) == []


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({'evaluation__metric': 'mDicee'}, "there is no metric 'mDicee'"),
        ({'evaluation__save_best': 'mDice'}, "save_best: no metric 'mDice'"),
        ({'data__val__ann_dir': 'None'}, r'data.val. have no labels to evaluate with'),
    ],
)
def test_val_can_be_evaluated__what_cannot(tmp_path, options, told):
    with pytest.raises(UserError, match=told):
        list(val_can_be_evaluated(run_of(tmp_path, **options)))


def test_val_can_be_evaluated__labels_that_are_all_ignored(tmp_path):
    run = run_of(tmp_path)
    for path in (tmp_path / 'target/labels').glob('*.png'):
        cv2.imwrite(str(path), np.full((40, 56), 255, np.uint8))
    (message,) = messages(val_can_be_evaluated, run, 'warning')
    assert message.startswith('data.val: all pixels are ignored in the 3 of 3 label maps in ')


def test_val_can_be_evaluated__nobody_evaluates(tmp_path):
    run = run_of(tmp_path, data__val__ann_dir='None')
    run.validate = False
    assert messages(val_can_be_evaluated, run) == []


def inner(pipeline):
    return pipeline[1]['transforms']


def without_views(pipeline):
    pipeline[1:] = inner(pipeline)


def without_tensors(pipeline):
    del inner(pipeline)[3]


def without_images(pipeline):
    inner(pipeline)[-1]['keys'] = ['scale']


@pytest.mark.parametrize('change', [without_views, without_tensors, without_images])
def test_val_gives_views__a_pipeline_that_makes_none_is_told(tmp_path, monkeypatch, change):
    cfg = config_of(tmp_path)
    change(cfg.data.val.pipeline)
    monkeypatch.setattr(all_checks, 'CHECKS', (val_gives_views,))
    (finding,) = findings_of(built(cfg, with_model=False))
    assert finding.severity == 'error' and finding.message.startswith('data.val: ')
    assert ('MultiScaleFlipAug' in finding.message) == (change is not without_views)


@pytest.mark.parametrize('shape', [(39, 56), (20, 28), (56, 40)])
def test_val_gives_views__a_label_of_another_size_is_an_error(tmp_path, shape):
    run = data_of(tmp_path)
    cv2.imwrite(str(tmp_path / 'target/labels/2.png'), np.zeros(shape, np.uint8))
    (said,) = messages(val_gives_views, run)
    assert 'data.val: image and label differ in size' in said
    assert f'2.png is 56×40, its label {shape[1]}×{shape[0]}' in said


def test_val_gives_views__nothing_is_said_of_sound_ones(tmp_path):
    assert messages(val_gives_views, data_of(tmp_path)) == []
