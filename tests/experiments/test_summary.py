import json

import pytest

from mmseg.experiments.summary import (
    MAX_COMPARED,
    NUM_COLUMNS,
    summary_table,
    write_comparison,
    write_summary,
)
from tests.report.work_dirs import write_run


def entry(name, seed, miou, teacher=None, minutes=1.0, memory=1.0):
    return {
        'name': f'{name}_s{seed}',
        'uda': name,
        'seed': seed,
        'mIoU': miou,
        'mIoU_teacher': teacher,
        'IoU': {'road': miou},
        'seconds': 60 * minutes,
        'peak_memory_gb': memory,
        'work_dir': 'work_dirs/x',
    }


def test_write_summary__holds_the_runs(tmp_path):
    entries = [entry('dida', 0, 20.0, 21.0)]
    path = write_summary(entries, tmp_path / 'local-exp0')
    assert json.loads(path.read_text()) == {'runs': entries}
    assert [file.name for file in path.parent.iterdir()] == ['summary.json']


def test_write_comparison__of_a_few_runs_that_left_logs(tmp_path):
    folders = [write_run(tmp_path / name, f'x_{name}') for name in 'ab']
    entries = [{**entry(f.name, 0, 1.0), 'work_dir': str(f)} for f in folders]
    page = write_comparison(entries, tmp_path)
    assert page == tmp_path / 'report.html' and '2 runs compared' in page.read_text('utf-8')
    for others in (entries[:1], entries * MAX_COMPARED, [entries[0], entry('gone', 0, 1.0)]):
        assert write_comparison(others, tmp_path) is None


def test_summary_table__one_row_a_run():
    lines = summary_table(
        [entry('source-only', 0, 10.0), entry('dida', 2, 20.126, 21.0, 1.5, 2.25)]
    )
    rows = [line.split() for line in lines.splitlines()]
    assert rows == [
        ['run', 'seed', 'mIoU', 'teacher', 'minutes', 'GiB'],
        ['source-only', '0', '10.00', '-', '1.0', '1.0'],
        ['dida', '2', '20.13', '21.00', '1.5', '2.2'],
    ]


def test_summary_table__mean_and_sample_deviation_over_seeds():
    entries = [entry('dida', seed, miou, miou + 1) for seed, miou in enumerate((10.0, 12.0, 14.0))]
    last = summary_table([*entries, entry('source-only', 0, 5.0)]).splitlines()[-1]
    figures = ['12.00', '±', '2.00', '13.00', '±', '2.00', '1.0', '1.0']
    assert last.split() == ['dida', 'mean', 'of', '3', *figures]


def test_summary_table__names_are_cut_to_what_differs():
    names = ['gta2cs_source-only_head_mitb0_poly', 'gta2cs_dida_rcs001_head_mitb0_poly']
    lines = summary_table([entry(name, 0, 10.0) for name in names]).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ['source-only', 'dida_rcs001']


def test_summary_table__names_that_start_or_end_alike_stay_apart():
    lines = summary_table([entry(name, 0, 10.0) for name in ('a_b', 'a_b_b', 'a')]).splitlines()
    assert len({line.split()[0] for line in lines[1:]}) == 3


def test_summary_table__a_single_run_keeps_its_name():
    assert summary_table([entry('gta2cs_dida', 3, 10.0)]).splitlines()[1].startswith('gta2cs_dida ')


def test_summary_table__run_that_was_not_evaluated():
    assert summary_table([entry('dida', 0, None)]).splitlines()[1].split()[2:4] == ['-', '-']


@pytest.mark.parametrize('length', [3, 200])
def test_summary_table__fits_the_screen(length):
    lines = summary_table([entry('x' * length, seed, 10.0, 11.0) for seed in (0, 1)]).splitlines()
    assert max(map(len, lines)) <= NUM_COLUMNS
    assert len({len(line) for line in lines}) == 1
