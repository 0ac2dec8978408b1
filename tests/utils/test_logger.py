import logging

import pytest

from mmseg.utils.logger import CONSOLE_WIDTH, get_root_logger, log_to_file


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
