"""Paths that cannot be written to, through the tools: a line each, and nothing left behind."""

import sys
from importlib import import_module

import pytest
import torch

from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config, write_run


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A config, a run, and paths of all kinds that are none for a folder."""
    folder = tmp_path_factory.mktemp('paths')
    (folder / 'run').mkdir()
    write_run(folder / 'run')
    write_config(folder)
    (folder / 'file').write_text('mine')
    (folder / 'loop').symlink_to('loop')
    (folder / 'broken').symlink_to('nowhere/at/all')
    return folder


def fail(capsys, monkeypatch, name, *arguments):
    monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run_cli(import_module(f'tools.{name}').main)
    line = capsys.readouterr().err
    assert caught.value.code == 1 and line.startswith('error: ') and line.count('\n') == 1, line
    return line


@pytest.mark.parametrize(
    ('work_dir', 'told'),
    [
        ('file', 'a file stands where a folder is to be'),
        ('file/below', 'a file stands where a folder is to be'),
        ('loop', '(a link to loop, which is not there)'),
        ('broken', '(a link to nowhere/at/all, which is not there)'),
        ('x' * 300, 'give a shorter name'),
    ],
)
def test_train__a_work_dir_that_cannot_be(folder, work_dir, told, capsys, monkeypatch):
    arguments = (folder / 'source_only.json', '--work-dir', folder / work_dir)
    assert told in fail(capsys, monkeypatch, 'train', *arguments)
    assert (folder / 'file').read_text() == 'mine'


@pytest.mark.parametrize('option', ['--resume-from', '--load-from'])
@pytest.mark.parametrize('name', ['run', 'loop', 'broken', 'gone'])
def test_train__a_checkpoint_that_is_none(folder, option, name, tmp_path, capsys, monkeypatch):
    arguments = (folder / 'source_only.json', '--work-dir', tmp_path / 'w', option, folder / name)
    line = fail(capsys, monkeypatch, 'train', *arguments)
    assert f'no checkpoint file at {folder / name}' in line
    assert not list((tmp_path / 'w').glob('*.json'))


@pytest.mark.parametrize(
    ('tool', 'option'), [('test', '--out'), ('demo', '--out-dir'), ('report', '--out')]
)
def test_tools__a_file_where_a_folder_is_to_be(folder, tool, option, capsys, monkeypatch):
    run = folder / 'run'
    (run / '1.log.json').write_text('{"seed": 0}\n{"mode": "train", "iter": 1, "loss": 1.0}\n')
    what = (run / 'config.json', run / 'latest.pth') if tool == 'demo' else (run,)
    line = fail(capsys, monkeypatch, tool, *what, option, folder / 'file' / 'below.html')
    assert 'a file stands where a folder is to be' in line
