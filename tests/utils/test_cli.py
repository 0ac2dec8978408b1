import errno

import pytest

from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError


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
