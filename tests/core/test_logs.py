import json

import pytest

from mmseg.core.logs import curves_of, latest_by_iteration, read_records
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
