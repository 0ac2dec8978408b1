"""Methods over seeds: rows of runs, paired differences, tables."""

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from mmseg.experiments.evidence import (
    Row,
    difference,
    finished_runs,
    read_rows,
    row_of,
    table_of_classes,
    table_of_methods,
    with_more,
    write_rows,
)
from mmseg.experiments.photographs import runs_of_pair
from mmseg.experiments.table import config_of
from mmseg.utils.errors import UserError

DOCS = Path(__file__).resolve().parents[2] / 'docs'
SCENE = {'road': 90.0, 'pole': None}


def row(method, seed, student, teacher=None):
    iou = {'road': student, 'pole': None}
    return Row('game2camvid', method, seed, 450, student, teacher, iou, 5.0, 1.2, 'abc')


ROWS = [
    *(row('source-only', seed, value) for seed, value in enumerate([30.0, 32.0, 34.0])),
    *(row('daformer', seed, value, value + 1) for seed, value in enumerate([31.0, 35.0, 36.0])),
    *(row('dida_search-start', seed, value, 40.0) for seed, value in enumerate([33.0, 36.0])),
]


def work_dir_of(run, folder):
    """Leave what a finished run leaves, as training writes it."""
    folder.mkdir(parents=True)
    config = {**config_of(run, 18), 'git_rev': 'abc'}
    (folder / 'config.json').write_text(json.dumps(config))
    result = {
        'mIoU': 36.0,
        'mIoU_teacher': 35.0,
        'IoU': SCENE,
        'seconds': 90.0,
        'peak_memory_gb': 1.234,
    }
    (folder / 'result.json').write_text(json.dumps(result))
    return folder


def test_row_of__tells_pair_method_and_cost(tmp_path):
    runs = runs_of_pair('game', 'camvid', things=[5], num_classes=11)
    paper = next(run for run in runs if run.ablation == 'paper' and run.seed == 3)
    work_dir = work_dir_of(paper, tmp_path / 'exp18' / 'run')
    assert row_of(work_dir) == Row(
        'game2camvid', 'dida_paper', 3, 450, 36.0, 35.0, SCENE, 1.5, 1.23, 'abc'
    )
    assert finished_runs([tmp_path]) == [work_dir]


def test_row_of__two_scales_are_another_method(tmp_path):
    runs = runs_of_pair('game', 'camvid', things=[5], num_classes=11)
    methods = {
        row_of(work_dir_of(run, tmp_path / run.name)).method for run in runs if run.seed == 0
    }
    assert {'daformer', 'daformer_hrda', 'dida_plus', 'target-only'} <= methods
    assert len(methods) == len(runs) / 5


def test_row_of__a_run_of_ones_own_config_is_told(tmp_path):
    (tmp_path / 'config.json').write_text(json.dumps({'name': 'own', 'seed': 0}))
    result = {'mIoU': 1.0, 'mIoU_teacher': None, 'IoU': {}, 'seconds': 1.0, 'peak_memory_gb': 1.0}
    (tmp_path / 'result.json').write_text(json.dumps(result))
    with pytest.raises(UserError, match='is no run of an experiment'):
        row_of(tmp_path)


def test_rows__are_kept_in_a_file_and_replaced_by_newer_ones(tmp_path):
    path = tmp_path / 'rows.json'
    assert read_rows(path) == []
    write_rows(ROWS, path)
    assert {row.setting for row in read_rows(path)} == {row.setting for row in ROWS}
    newer = replace(ROWS[0], student=50.0)
    kept = with_more(read_rows(path), [newer])
    assert len(kept) == len(ROWS) and newer in kept and ROWS[0] not in kept


def test_difference__is_paired_by_seed_with_students_interval():
    found = difference(ROWS[3:6], ROWS[:3])
    # Differences 1, 3, 2: mean 2, standard deviation 1, and t(0.975; 2) = 4.3027.
    assert found.num_seeds == 3
    assert found.mean == pytest.approx(2)
    assert found.half == pytest.approx(4.3027 / 3**0.5, rel=1e-4)


def test_difference__one_seed_has_no_interval():
    assert difference(ROWS[3:4], ROWS[:3]) is None


def test_table_of_methods__a_line_a_method_in_the_order_of_the_field():
    lines = table_of_methods(ROWS).splitlines()
    assert lines[0] == (
        '| method | seeds | student | teacher | against DAFormer, 95 % | minutes | GiB |'
    )
    assert lines[2:] == [
        '| source-only | 3 | 32.0 ± 2.0 |  | -2.0 ± 2.5 | 5.0 | 1.2 |',
        '| DAFormer | 3 | 34.0 ± 2.6 | 35.0 ± 2.6 |  | 5.0 | 1.2 |',
        '| dida_search-start | 2 | 34.5 ± 2.1 | 40.0 ± 0.0 | +1.5 ± 6.4 | 5.0 | 1.2 |',
    ]


def test_table_of_classes__leaves_out_classes_that_do_not_occur():
    assert table_of_classes(ROWS).splitlines()[2:] == [
        '| road | 32.0 ± 2.0 | 34.0 ± 2.6 | 34.5 ± 2.1 |'
    ]


def test_results__hold_the_tables_of_the_rows_that_are_kept():
    groups = defaultdict(list)
    for kept in read_rows(DOCS / 'evidence.json'):
        groups[kept.pair, kept.iters].append(kept)
    results = (DOCS / 'results.md').read_text()
    compared = [rows for rows in groups.values() if len({row.method for row in rows}) > 1]
    assert compared
    for rows in compared:
        assert table_of_methods(rows) in results
