"""The command `dida`: its help, its names, and how it starts a program."""

import subprocess
import sys

import pytest

from mmseg import __main__ as command
from mmseg.utils.errors import UserError
from mmseg.utils.programs import PROGRAMS
from mmseg.version import __version__


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, 'argv', ['/env/bin/dida', *words])
    monkeypatch.setattr(sys, 'path', list(sys.path))
    command.main()


@pytest.mark.parametrize('option', ['--help', '-h'])
def test_dida__help_has_one_line_for_each_command(monkeypatch, capsys, option):
    call(monkeypatch, option)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'usage: dida COMMAND [argument...]'
    for name in PROGRAMS:
        assert sum(line.startswith(f'  {name}  ') for line in lines) == 1
    assert max(map(len, lines)) <= 125


def test_dida__without_a_command_shows_the_help_and_fails(monkeypatch, capsys):
    with pytest.raises(SystemExit, match='2'):
        call(monkeypatch)
    assert capsys.readouterr().err.startswith('usage: dida ')


def test_dida__tells_its_version(monkeypatch, capsys):
    call(monkeypatch, '--version')
    assert capsys.readouterr().out == f'dida {__version__}\n'


def test_dida__a_slip_of_the_pen_is_told_the_nearest_names(monkeypatch, capsys):
    with pytest.raises(SystemExit, match='1'):
        call(monkeypatch, 'trian', 'config.py')
    assert capsys.readouterr().err.startswith(
        "error: there is no command 'trian'; did you mean 'train'"
    )


@pytest.mark.parametrize(
    ('words', 'name'),
    [
        (['train', 'c.py'], 'train'),
        (['convert', 'gta', 'data/gta'], 'convert gta'),
        (['convert-weights', 'gta'], 'convert-weights'),
        (['test', '--help'], 'test'),
    ],
)
def test_command_of__reads_one_word_or_two(words, name):
    assert command.command_of(words) == name


def test_command_of__the_second_word_may_be_the_slip():
    with pytest.raises(UserError, match=r"'convert gtaa'; did you mean 'convert gta'"):
        command.command_of(['convert', 'gtaa', 'data'])


@pytest.mark.parametrize(('words', 'code'), [(['convert'], 2), (['convert', '--help'], 0)])
def test_command_of__half_a_name_is_told_the_other_halves(capsys, words, code):
    with pytest.raises(SystemExit, match=str(code)):
        command.command_of(words)
    shown = capsys.readouterr()
    text = shown.out if code == 0 else shown.err
    assert text.startswith('usage: dida convert gta|')
    assert 'convert annotations' in text and 'convert-weights' not in text


def test_dida__a_programs_help_calls_it_as_dida_does(monkeypatch, capsys):
    with pytest.raises(SystemExit, match='0'):
        call(monkeypatch, 'report', '--help')
    text = capsys.readouterr().out
    assert text.startswith('usage: dida report [-h]')
    assert 'dida report WORK_DIR WORK_DIR' in text and 'tools/' not in text


def test_dida__runs_the_program_of_the_checkout(monkeypatch, capsys):
    call(monkeypatch, 'experiments', '--list')
    assert 'quick start' in capsys.readouterr().out


def test_dida__imports_no_torch_to_show_its_help():
    code = (
        'import sys; sys.argv = ["dida", "--help"]; from mmseg.__main__ import main; main(); '
        'sys.exit(bool({"torch", "mmcv", "numpy"} & sys.modules.keys()))'
    )
    assert subprocess.run([sys.executable, '-c', code], stdout=subprocess.DEVNULL).returncode == 0
