"""The check as a user runs it, and before a training."""

import sys

import pytest
import torch

from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config
from tools import check, train


@pytest.fixture
def says(monkeypatch, capsys):
    """Runs a tool in this process; returns its exit code and what it printed."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def says(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', ['tool', *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            run_cli(tool.main)
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return says


@pytest.mark.parametrize('uda', [False, True])
def test_check__a_sound_config_is_passed_and_nothing_is_written(says, tmp_path, uda, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, uda)
    before = sorted(tmp_path.rglob('*'))
    code, said = says(check, config)
    assert code == 0 and 'nothing stands in the way of training' in said
    assert sorted(tmp_path.rglob('*')) == before


def test_check__what_is_wrong_is_one_line_and_exit_code_1(says, tmp_path):
    config = write_config(tmp_path)
    code, said = says(check, config, '--options', 'model.decode_head.num_classes=3')
    assert code == 1 and 'Traceback' not in said
    assert said.splitlines()[-1].startswith('error: model.decode_head.num_classes is 3')


def test_train__looks_first_unless_told_not_to(says, tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr(train, 'check_run', looked.append)
    config, work_dir = write_config(tmp_path), ('--work-dir', tmp_path / 'run')
    assert says(train, config, *work_dir, '--no-check')[0] == 0 and looked == []
    assert says(train, config, '--work-dir', tmp_path / 'other')[0] == 0 and len(looked) == 1
