import errno
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def raising(error: BaseException):
    def main():
        raise error

    return main


def test_run_cli__a_user_error_is_one_line_and_exit_code_1(capsys):
    with pytest.raises(SystemExit) as caught:
        run_cli(raising(UserError('expected a,\n got b')))
    assert caught.value.code == 1
    assert capsys.readouterr().err == 'error: expected a, got b\n'


def test_run_cli__the_traceback_is_shown_on_request(monkeypatch):
    monkeypatch.setenv('DIDA_TRACEBACK', '1')
    with pytest.raises(UserError, match='expected a'):
        run_cli(raising(UserError('expected a')))


def test_run_cli__ctrl_c_exits_with_130():
    with pytest.raises(SystemExit) as caught:
        run_cli(raising(KeyboardInterrupt()))
    assert caught.value.code == 130


def test_run_cli__a_full_disk_is_one_line_that_names_the_file(capsys):
    with pytest.raises(SystemExit) as caught:
        run_cli(raising(OSError(errno.ENOSPC, 'No space left on device', 'preds/a.png')))
    assert caught.value.code == 1
    assert capsys.readouterr().err == (
        'error: no room to write preds/a.png: No space left on device\n'
    )


def test_run_cli__a_fault_of_ours_keeps_its_traceback():
    with pytest.raises(PermissionError):
        run_cli(raising(PermissionError(errno.EACCES, 'denied')))


@pytest.mark.parametrize(
    ('number', 'text', 'advice'),
    [
        (errno.EACCES, 'Permission denied', 'give another folder'),
        (errno.EPERM, 'Operation not permitted', 'give another folder'),
        (errno.EROFS, 'Read-only file system', 'that can be written to'),
        (errno.ENOTDIR, 'Not a directory', 'a file stands where a folder is to be'),
        (errno.EEXIST, 'File exists', 'a file stands where a folder is to be'),
        (errno.EISDIR, 'Is a directory', 'a folder stands where a file is to be'),
        (errno.ELOOP, 'Too many levels of symbolic links', 'leads back to itself'),
        (errno.ENAMETOOLONG, 'File name too long', 'shorter name'),
    ],
)
def test_run_cli__a_path_that_cannot_be_used_is_one_line(capsys, number, text, advice):
    with pytest.raises(SystemExit) as caught:
        run_cli(raising(OSError(number, text, 'work_dirs/run')))
    line = capsys.readouterr().err
    assert caught.value.code == 1
    assert line.startswith(f'error: work_dirs/run: {text}; ') and advice in line
    assert line.count('\n') == 1


HEAD = """
import sys
from mmseg.utils.cli import run_cli
from mmseg.utils.logger import get_root_logger
def many(): [print('x' * 99) for _ in range(5000)]
def few(): print('one'); print('two')
def leaves(): print('x' * 200000); sys.exit(3)
def logs():
    for _ in range(5000): get_root_logger('LOG').info('x' * 99)
def fails(): raise BrokenPipeError(32, 'Broken pipe')
run_cli(globals()[sys.argv[1]])
"""


@pytest.mark.parametrize(
    ('main', 'reader', 'status'),
    [
        ('many', 'head -n 1', 141),
        ('many', 'cat', 0),
        ('many', 'true', 141),
        ('few', 'true', 141),
        ('few', 'sh -c "exec <&-; sleep 0.1"', 141),
        ('leaves', 'head -c 1', 141),
        ('leaves', 'cat', 3),
        ('logs', 'head -n 1', 0),
    ],
)
def test_run_cli__a_reader_that_leaves_ends_it_without_a_word(main, reader, status, tmp_path):
    code = HEAD.replace('LOG', str(tmp_path / 'run.log'))
    waits = 'sleep 0.5;' if main == 'few' else ''
    script = f'{{ {waits} "$0" -c "$1" {main}; echo $? >"$2"; }} | {reader} >/dev/null'
    command = ['sh', '-c', script, sys.executable, code, str(tmp_path / 'status')]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ''
    assert int((tmp_path / 'status').read_text()) == status
    if main == 'logs':
        text = (tmp_path / 'run.log').read_text()
        assert text.count('x' * 99) == 5000 and text.count('nobody reads the screen') == 1


def test_run_cli__a_pipe_that_is_not_the_screen_keeps_its_traceback():
    with pytest.raises(BrokenPipeError):
        run_cli(raising(BrokenPipeError(errno.EPIPE, 'Broken pipe')))
