import json

import pytest

from mmseg.core.json_logs import curves_of, latest_by_iteration, read_records
from mmseg.utils.errors import UserError


def test_read_records__a_line_that_is_being_written_is_left_out(tmp_path):
    path = tmp_path / 'a.log.json'
    path.write_text('{"seed": 0}\n{"mode": "train", "it')
    assert read_records([path]) == [{'seed': 0}]


def test_read_records__a_whole_line_that_is_no_json_is_named(tmp_path):
    path = tmp_path / 'a.log.json'
    path.write_text('{"seed": 0}\n{"mode": "train", "it\n')
    with pytest.raises(UserError, match='line 2: not JSON'):
        read_records([path])


def test_latest_by_iteration__in_order_and_what_was_done_again_counts(tmp_path):
    records = [{'mode': 'val', 'iter': i, 'n': n} for n, i in enumerate([1, 3, 2, 3])]
    assert latest_by_iteration([{'seed': 0}, *records], 'val') == [
        {'mode': 'val', 'iter': 1, 'n': 0},
        {'mode': 'val', 'iter': 2, 'n': 2},
        {'mode': 'val', 'iter': 3, 'n': 3},
    ]


def test_curves_of__lists_are_no_curves():
    record = json.loads('{"mode": "val", "iter": 1, "student": {"mIoU": 0.5, "confusion": [[1]]}}')
    assert curves_of([record, {'mode': 'bank', 'iter': 1, 'drift': [0.1]}]) == {
        'mIoU student': [(1, 0.5)]
    }


def part(folder, name, start, *iterations, mode='train'):
    """Write the log of one start of a run; without `start`, as logs were before it was noted."""
    facts = {'seed': 0} if start is None else {'seed': 0, 'start_iter': start}
    records = [facts, *({'mode': mode, 'iter': i, 'loss': float(name)} for i in iterations)]
    path = folder / f'{name}.log.json'
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))
    return path


@pytest.mark.parametrize(
    ('parts', 'loss'),
    [
        # gone back: what the first part logged after iteration 2 is of a branch given up
        ([(0, 1, 2, 3, 4, 5, 6), (2, 3, 4)], [(1, 1), (2, 1), (3, 2), (4, 2)]),
        # killed after a record that no checkpoint holds, and so done again
        ([(0, 10, 20, 30), (20, 30)], [(10, 1), (20, 1), (30, 2)]),
        # killed between two records: the third part begins before the second one's last record
        ([(0, 4, 8), (8, 12), (6, 10)], [(4, 1), (10, 3)]),
        # begun anew: nothing of what was before
        ([(0, 1, 2, 3), (0, 1)], [(1, 2)]),
        # gone back and failed before the first record
        ([(0, 1, 2, 3), (1,)], [(1, 1)]),
        # logs of before it was noted: the first record tells
        ([(None, 1, 2, 3, 4), (None, 3)], [(1, 1), (2, 1), (3, 2)]),
    ],
)
def test_read_records__what_was_logged_on_a_branch_given_up_is_left_out(tmp_path, parts, loss):
    logs = [part(tmp_path, str(n), *each) for n, each in enumerate(parts, start=1)]
    assert curves_of(read_records(logs))['loss'] == loss


def test_read_records__evaluations_of_a_branch_given_up_are_none(tmp_path):
    logs = [part(tmp_path, '1', 0, 3, 6, mode='val'), part(tmp_path, '2', 3, 4)]
    records = latest_by_iteration(read_records(logs), 'val')
    assert [record['iter'] for record in records] == [3]


def test_read_records__two_starts_in_one_file(tmp_path):
    one, other = part(tmp_path, '1', 0, 1, 2, 3), part(tmp_path, '2', 1, 2)
    one.write_text(one.read_text() + other.read_text())
    assert curves_of(read_records([one]))['loss'] == [(1, 1), (2, 2)]
