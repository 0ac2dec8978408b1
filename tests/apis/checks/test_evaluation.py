import cv2
import numpy as np
import pytest

from mmseg.apis.checks.evaluation import val_can_be_evaluated
from mmseg.utils.errors import UserError
from tests.apis.checks.runs import messages, run_of


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
