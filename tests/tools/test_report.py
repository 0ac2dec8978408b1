import sys

import pytest

from mmseg.utils.errors import UserError
from tests.report.work_dirs import write_old_run, write_run
from tools import report


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, 'argv', ['report', *map(str, arguments)])
        report.main()
        return capsys.readouterr().out

    return run


def test_report__of_one_run_stands_in_its_work_dir(run, tmp_path):
    folder = write_old_run(tmp_path / 'old')
    assert run(folder) == f'report in {folder}/report.html\n'
    assert (folder / 'report.html').is_file()


def test_report__a_comparison_stands_here_or_where_it_is_wanted(run, tmp_path):
    folders = [write_run(tmp_path / name, f'x_{name}') for name in 'ab']
    assert run(*folders) == 'report in comparison.html\n'
    run(*folders, '--out', tmp_path / 'deep' / 'page.html')
    assert '2 runs compared' in (tmp_path / 'deep' / 'page.html').read_text(encoding='utf-8')


def test_report__a_baseline_that_is_not_there_is_named(run, tmp_path):
    with pytest.raises(UserError, match='no work dir at'):
        run(write_run(tmp_path / 'a'), '--baseline', tmp_path / 'gone')
