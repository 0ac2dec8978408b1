import pytest

from mmseg.report.run import labels_of, read_run
from mmseg.utils.errors import UserError
from tests.report.work_dirs import CLASSES, train_record, write_lines, write_old_run, write_run


def test_read_run__all_that_a_finished_run_left(tmp_path):
    run = read_run(write_run(tmp_path / 'run'))
    assert run.name == 'gta2cs_dida_s0' and run.iterations == (30, 30)
    assert run.networks == ['student', 'teacher'] and run.classes == CLASSES
    assert run.class_values('teacher', 'IoU') == {'road': 40.0, 'traffic light': 50.0, 'sky': None}
    assert run.class_curve('student', 'IoU', 'road') == [(10, 0.3), (20, 0.3), (30, 0.3)]
    assert [record['iter'] for record in run.bank] == [10, 20, 30]
    assert run.result['seconds'] == 61.0 and len(run.examples.items) == 2


def test_read_run__an_old_one_has_what_its_log_has(tmp_path):
    run = read_run(write_old_run(tmp_path / 'run'))
    assert run.name == 'run' and run.iterations == (10, None)
    assert (run.config, run.bank, run.result, run.examples) == ({}, [], None, None)


def test_read_run__a_resumed_one_goes_on_in_its_second_log(tmp_path):
    folder = write_run(tmp_path / 'run')
    write_lines(
        folder / '2.log.json', [{'seed': 7}, train_record(30, True), train_record(40, True)]
    )
    run = read_run(folder)
    assert run.facts == {'seed': 7} and run.iterations[0] == 40
    assert len(run.curves['loss']) == 4


def test_read_run__mistakes_are_named(tmp_path):
    with pytest.raises(UserError, match='no work dir at'):
        read_run(tmp_path / 'gone')
    with pytest.raises(UserError, match=r'no \*.log.json in'):
        read_run(tmp_path)
    folder = write_run(tmp_path / 'run')
    (folder / 'config.json').write_text('{"name"')
    with pytest.raises(UserError, match=r'config.json, line 1: not JSON'):
        read_run(folder)


def test_labels_of__what_differs_in_names_else_the_folders(tmp_path):
    folders = [tmp_path / name for name in 'abc']
    names = ['gta2cs_dida_s0', 'gta2cs_daformer_s0', 'gta2cs_dida_s0']
    runs = [read_run(write_run(f, n)) for f, n in zip(folders, names, strict=True)]
    assert labels_of(runs[:2]) == ['dida', 'daformer']
    assert labels_of(runs) == ['a', 'b', 'c']
