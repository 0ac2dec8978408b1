import io
import logging
import sys

import pytest

from mmseg.utils.logger import (
    CONSOLE_WIDTH,
    end_passing_line,
    get_root_logger,
    log_progress,
    log_to_file,
)


@pytest.fixture
def logger(tmp_path):
    root = logging.getLogger('mmseg')
    before = list(root.handlers)
    root.handlers.clear()
    yield get_root_logger(tmp_path / 'run.log')
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before


def test_get_root_logger__lines_on_the_screen_fit_and_lose_no_word(logger, capsys):
    words = [f'word{i}' for i in range(100)]
    logger.info(' '.join(words))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= CONSOLE_WIDTH
    assert [word for word in shown.split() if word.startswith('word')] == words


def test_get_root_logger__the_file_holds_the_whole_line(logger, tmp_path):
    logger.info('x ' * 200)
    assert 'x ' * 200 in (tmp_path / 'run.log').read_text()


def test_log_to_file__keeps_the_screen_clear(logger, tmp_path, capsys):
    log_to_file(logger, 'a wall of config')
    assert capsys.readouterr().out == ''
    assert 'a wall of config' in (tmp_path / 'run.log').read_text()


def test_get_root_logger__a_second_call_prints_nothing_twice(logger, tmp_path, capsys):
    get_root_logger(tmp_path / 'run.log').info('once')
    assert capsys.readouterr().out.count('once') == 1
    assert (tmp_path / 'run.log').read_text().count('once') == 1


def test_get_root_logger__another_file_takes_over(logger, tmp_path):
    get_root_logger(tmp_path / 'other.log').info('second run')
    assert 'second run' not in (tmp_path / 'run.log').read_text()
    assert 'second run' in (tmp_path / 'other.log').read_text()


def test_get_root_logger__warnings_are_marked_on_the_screen(logger, capsys):
    logger.warning('no weights')
    assert 'warning: no weights' in capsys.readouterr().out


def test_log_progress__a_pipe_gets_lines_and_the_log_file_nothing(logger, tmp_path, capsys):
    log_progress(logger, 'half')
    log_progress(logger, 'all', is_last=True)
    end_passing_line()
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ['half', 'all']
    assert (tmp_path / 'run.log').read_text() == ''


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_log_progress__on_a_terminal_one_line_takes_the_others_place(logger, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stdout', terminal)
    for message in ('a third', 'two thirds'):
        log_progress(logger, message)
    logger.warning('beware')
    log_progress(logger, 'all', is_last=True)
    lines = [line.rpartition('\x1b[K')[2] for line in terminal.getvalue().split('\n')]
    assert [line.split(' ', 1)[1] for line in lines if line] == ['warning: beware', 'all']


def test_end_passing_line__others_begin_a_line_of_their_own(logger, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stdout', terminal)
    log_progress(logger, 'a third')
    end_passing_line()
    end_passing_line()
    print('error: no room')
    assert terminal.getvalue().endswith('a third\nerror: no room\n')
