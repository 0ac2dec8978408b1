"""The project's logger: short lines on the screen, everything in the log file."""

import logging
import sys
import textwrap
from pathlib import Path

from .closed_pipes import closed_streams, silence

CONSOLE_WIDTH = 120
_FILE_ONLY = {'file_only': True}
_CLEAR_LINE = '\r\x1b[K'


def get_root_logger(
    log_file: str | Path | None = None, log_level: int | str = logging.INFO
) -> logging.Logger:
    """Return the logger named `mmseg`, writing to the screen and to `log_file`.

    Args:
        log_file: File to append to; a second call with another file moves the log there.
        log_level: Level as in `logging`.

    Returns:
        The logger; safe to call again, nothing is printed twice.
    """
    logger = logging.getLogger('mmseg')
    logger.propagate = False
    if not any(isinstance(handler, _ConsoleHandler) for handler in logger.handlers):
        logger.addHandler(_ConsoleHandler())
        logger.setLevel(log_level)
    if log_file is not None:
        _move_log_to(logger, Path(log_file))
        logger.setLevel(log_level)
    return logger


def log_to_file(logger: logging.Logger, message: str) -> None:
    """Write what is too long for a screen (config, environment, tables) to the log file only."""
    logger.info(message, extra=_FILE_ONLY)


def log_progress(logger: logging.Logger, message: str, is_last: bool = False) -> None:
    """Tell the screen, not the log file, how far something is.

    Args:
        logger: From `get_root_logger`.
        message: A short line; on a terminal the next message takes its place.
        is_last: Whether the line stays.
    """
    logger.info(message, extra={'screen_only': True, 'passing': not is_last})


def end_passing_line() -> None:
    """Leave the line of a terminal that progress was shown on, so that others can print."""
    for handler in logging.getLogger('mmseg').handlers:
        if isinstance(handler, _ConsoleHandler):
            handler.end_passing_line()


class _ConsoleFormatter(logging.Formatter):
    """Time of day, a mark on what is not plain information, at most 120 columns."""

    def __init__(self) -> None:
        super().__init__('%(asctime)s %(mark)s%(message)s', datefmt='%H:%M:%S')

    def format(self, record: logging.LogRecord) -> str:
        plain = record.levelno == logging.INFO
        record.mark = '' if plain else f'{record.levelname.lower()}: '
        lines = super().format(record).expandtabs().splitlines() or ['']
        return '\n'.join(piece for line in lines for piece in _wrap(line))


class _ConsoleHandler(logging.StreamHandler):
    """Standard output as it is at the time of writing, without file-only records.

    On a terminal, what comes after a passing line is written over it.
    """

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.setFormatter(_ConsoleFormatter())
        self.addFilter(lambda record: not getattr(record, 'file_only', False))
        self.on_passing_line = False

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        if self.on_passing_line:
            self.stream.write(_CLEAR_LINE)
        self.on_passing_line = getattr(record, 'passing', False) and self.stream.isatty()
        self.terminator = '' if self.on_passing_line else '\n'
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], BrokenPipeError):
            super().handleError(record)
            return
        # Nobody reads the screen any more: days of training are worth more than its lines.
        silence(closed_streams())
        log_to_file(logging.getLogger('mmseg'), 'nobody reads the screen any more: going on')

    def end_passing_line(self) -> None:
        if self.on_passing_line:
            print()
        self.on_passing_line = False


class _LogFileHandler(logging.FileHandler):
    """A log file that a full disk does not turn into tracebacks on the screen."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _wrap(line: str) -> list[str]:
    if len(line) <= CONSOLE_WIDTH:
        return [line]
    return textwrap.wrap(line, CONSOLE_WIDTH, subsequent_indent=' ' * 9, break_on_hyphens=False)


def _move_log_to(logger: logging.Logger, path: Path) -> None:
    for handler in [h for h in logger.handlers if isinstance(h, _LogFileHandler)]:
        if Path(handler.baseFilename) == path.absolute():
            return
        logger.removeHandler(handler)
        handler.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFileHandler(path, encoding='utf-8', errors='backslashreplace')
    handler.addFilter(lambda record: not getattr(record, 'screen_only', False))
    handler.setFormatter(logging.Formatter('%(asctime)s - %(levelname)s - %(message)s'))
    logger.addHandler(handler)
