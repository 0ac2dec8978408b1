"""The command that is to be typed again, as a shell reads it."""

import shlex
import subprocess
import sys

import pytest

from mmseg.utils import command
from mmseg.utils.command import (
    VARIABLE,
    begun_command,
    how_to_go_on,
    over_lines,
    python_here,
    said_again,
)


@pytest.mark.parametrize(
    ('begun', 'again'),
    [
        ('sh run_exp.sh', 'sh run_exp.sh --resume'),
        ('sh run_exp.sh 0 --resume', 'sh run_exp.sh 0 --resume'),
        ('sh run_exp.sh 9 1 --overwrite --jobs 3', 'sh run_exp.sh 9 1 --jobs 3 --resume'),
        (
            'sh run_config.sh c.py 0 --options seed=1 a.b=[1,2]',
            "sh run_config.sh c.py 0 --options seed=1 'a.b=[1,2]' --resume",
        ),
        (
            'python tools/train.py c.py --resume-from w/iter_2.pth --no-validate',
            'python tools/train.py c.py --no-validate --resume',
        ),
        (
            'python tools/train.py c.py --resume-f=w/iter_2.pth',
            'python tools/train.py c.py --resume',
        ),
        ('python tools/train.py c.py --auto --over', 'python tools/train.py c.py --resume'),
        (
            "sh '/my runs/run_exp.sh' 0 --work-root 'a b'",
            "sh '/my runs/run_exp.sh' 0 --work-root 'a b' --resume",
        ),
    ],
)
def test_said_again__all_but_what_becomes_of_the_earlier_run_stays(begun, again):
    assert said_again(shlex.split(begun), '--resume') == again


def test_begun_command__the_scripts_words_come_first(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'generated.json', '--gpu', '0'])
    monkeypatch.setenv(VARIABLE, 'sh\nrun_exp.sh\n0\n--work-root\na b')
    assert begun_command() == ['sh', 'run_exp.sh', '0', '--work-root', 'a b']


def test_begun_command__workers_of_torchrun_name_the_script_that_starts_them(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv('WORLD_SIZE', '2')
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.py', '--seed', '1'])
    assert begun_command() == ['sh', 'tools/dist_train.sh', 'c.py', '2', '--seed', '1']


@pytest.mark.parametrize('words', [['-c', 'X'], ['-c', 'X', 'a', '--b=c d']])
def test_begun_command__a_python_process_says_how_it_was_called(words):
    code = (
        'import shlex; from mmseg.utils.command import begun_command as b; print(shlex.join(b()))'
    )
    command = [sys.executable, *(code if word == 'X' else word for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shlex.split(done.stdout) == command


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Pretends that this process is the installed command, whose folder is on the path or not."""
    (tmp_path / 'bin').mkdir()
    ours = tmp_path / 'bin' / 'dida'
    ours.write_text('#!/bin/sh\n')
    ours.chmod(0o755)

    def begin(name, *given, is_on_path=True):
        monkeypatch.delenv(VARIABLE, raising=False)
        monkeypatch.setenv('PATH', f'{ours.parent}:/bin' if is_on_path else '/bin')
        words = [*name.split(), *given]
        monkeypatch.setattr(sys, 'orig_argv', ['/env/bin/python', str(ours), *words])
        monkeypatch.setattr(sys, 'argv', [f'dida {name}', *given])
        return str(ours)

    return begin


def test_begun_command__the_installed_command_is_called_by_its_name(begin):
    begin('train', 'c.py', '--work-dir', 'a b')
    assert begun_command() == ['dida', 'train', 'c.py', '--work-dir', 'a b']
    begin('convert gta', 'data/gta')
    assert begun_command() == ['dida', 'convert', 'gta', 'data/gta']


def test_begun_command__the_installed_command_is_called_by_its_place_off_the_path(begin):
    place = begin('train', 'c.py', is_on_path=False)
    assert begun_command() == [place, 'train', 'c.py']


def test_begun_command__installed_workers_of_torchrun_are_started_by_it(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv('WORLD_SIZE', '2')
    monkeypatch.setattr(command, 'IS_INSTALLED', True)
    monkeypatch.setattr(sys, 'argv', ['dida train', 'c.py', '--seed', '1'])
    expected = 'torchrun --nproc-per-node=2 -m mmseg train c.py --seed 1'
    assert shlex.join(begun_command()) == expected


@pytest.mark.parametrize(
    ('name', 'given', 'again'),
    [
        ('train', ['adapt.json', '--overwrite'], 'dida train adapt.json --resume'),
        ('run', ['--exp', '0'], 'dida run --exp 0 --resume'),
        ('adapt', ['--minutes', '5'], 'dida adapt --minutes 5'),
    ],
)
def test_how_to_go_on__with_the_installed_command(begin, name, given, again):
    begin(name, *given)
    assert how_to_go_on() == again


def test_how_to_go_on__with_the_package_as_a_program(monkeypatch):
    monkeypatch.setenv(VARIABLE, 'python\n-m\nmmseg\nadapt\n--out\nx')
    assert how_to_go_on() == 'python -m mmseg adapt --out x'
    monkeypatch.setenv(VARIABLE, 'python\n-m\nmmseg\ntrain\nadapt')
    assert how_to_go_on() == 'python -m mmseg train adapt --resume'


@pytest.mark.parametrize('width', [10, 30, 118])
def test_over_lines__a_shell_reads_the_same_words(width):
    words = ['echo', 'one', "it's two", '--options', 'a.b=[1, 2]', 'x' * 40, '--resume']
    text = over_lines(shlex.join(words), width)
    assert max(len(line) for line in text.splitlines()) <= max(width, 46)
    printed = subprocess.run(['sh', '-c', text], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ' '.join(words[1:]).split()


@pytest.mark.parametrize(
    ('is_active', 'by_script', 'expected'),
    [
        (True, True, 'python'),
        (False, True, "'my env/bin/python'"),
        (False, False, 'python'),
    ],
)
def test_python_here__is_one_that_the_users_shell_finds(
    tmp_path, monkeypatch, is_active, by_script, expected
):
    (tmp_path / 'my env' / 'bin').mkdir(parents=True)
    python = tmp_path / 'my env' / 'bin' / 'python'
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, 'executable', str(python))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, 'sh\nrun_exp.sh\n0' if by_script else '')
    monkeypatch.setenv('PATH', f'{python.parent}:/usr/bin:/bin' if is_active else '/usr/bin:/bin')
    assert python_here() == expected
    if by_script:
        command = ['/bin/sh', '-c', f'{python_here()} -c "print(7)"']
        assert subprocess.run(command, capture_output=True, text=True).stdout == '7\n'
