import numpy as np
import pytest

from mmseg.core.json_logs import find_logs, read_curves, read_records
from mmseg.core.old_logs import translated
from mmseg.utils.errors import UserError
from tests.report.work_dirs import write_mmsegmentation_run, write_run

POINTS = [(100, 0.1), (200, 0.2), (300, 0.3), (400, 0.4)]


@pytest.mark.parametrize('logs', [1, 2, 4])
@pytest.mark.parametrize('scale', [1.0, 100.0])
def test_read_curves__an_old_run_has_its_evaluations_where_training_was(tmp_path, scale, logs):
    folder = write_mmsegmentation_run(tmp_path / 'w', scale=scale, logs=logs)
    curves = read_curves(find_logs(folder))
    for name in ('mIoU student', 'IoU.road student'):
        np.testing.assert_allclose(curves[name], POINTS)
    assert curves['aAcc student'] == [(i, 0.875) for i, _ in POINTS]
    assert curves['time'] == [(i, 1.5) for i in range(50, 401, 50)]
    assert 'IoU.sky student' not in curves and 'mIoU' not in curves


def test_translated__a_resumed_old_run_counts_the_later_evaluation(tmp_path):
    def train(i):
        return {'mode': 'train', 'iter': i, 'loss': 1.0}

    def val(score):
        return {'mode': 'val', 'epoch': 1, 'iter': 500, 'mIoU': score, 'aAcc': 0.9}

    records = [train(100), val(0.1), train(200), val(0.2), train(150), train(200), val(0.3)]
    assert [(r['iter'], r['student']['mIoU']) for r in translated(records) if 'student' in r] == [
        (100, 0.1),
        (200, 0.2),
        (200, 0.3),
    ]


@pytest.mark.parametrize(
    ('means', 'expected'),
    [
        ({'mIoU': 0.5, 'aAcc': 1.0}, {'mIoU': 0.5, 'aAcc': 1.0}),
        ({'mIoU': 0.9, 'aAcc': 60.0}, {'mIoU': 0.009, 'aAcc': 0.6}),
        ({'mDice': 0.4, 'Dice.sky': 0.8}, {'mDice': 0.4, 'Dice.sky': 0.8}),
        ({'mFscore': 71.5, 'Recall.sky': None}, {'mFscore': 0.715, 'Recall.sky': None}),
    ],
)
def test_translated__shares_and_per_cent_become_shares(means, expected):
    (record,) = translated([{'mode': 'val', 'iter': 7, 'lr': 1e-4, 'time': 9.0, **means}])
    assert record == {'mode': 'val', 'iter': 7, 'student': expected}


def test_translated__records_of_ours_and_losses_of_validation_stay(tmp_path):
    records = read_records(find_logs(write_run(tmp_path / 'w')))
    assert translated(records) == records
    losses = [{'mode': 'val', 'iter': 3, 'loss': 0.5}, {'seed': 3}]
    assert translated(losses) == losses


@pytest.mark.parametrize('text', ['[1, 2]\n', '3\n', 'null\n', '"a"\n', '2022 - INFO - loss\n'])
def test_read_records__what_is_no_log_of_records(tmp_path, text):
    path = tmp_path / 'a.log.json'
    path.write_text('{"seed": 0}\n' + text)
    with pytest.raises(UserError, match='line 2: not JSON with an object a line'):
        read_records([path])


def test_read_records__what_is_no_text(tmp_path):
    path = tmp_path / 'a.log.json'
    path.write_bytes(b'\xff\xfe\x00\n')
    with pytest.raises(UserError, match='is no text'):
        read_records([path])
