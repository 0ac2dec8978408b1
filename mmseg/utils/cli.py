"""How every command line tool starts and ends."""

import errno
import io
import os
import sys
from collections.abc import Callable

from .closed_pipes import closed_streams, end_by_closed_pipe
from .errors import UserError
from .links import named
from .logger import end_passing_line
from .memory_errors import memory_problem
from .worker_errors import worker_problem

_DISK_ERRORS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_NO_RIGHT = 'give another folder, or this user the right to it'
_NO_FOLDER = 'a file stands where a folder is to be: give another path, or move it away'
# Errors of the paths that a user gives → what to do.
_PATH_ERRORS = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: 'give a folder that can be written to',
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
    errno.EISDIR: 'a folder stands where a file is to be: give another path, or move it away',
    errno.ELOOP: 'a symbolic link leads back to itself: mend it',
    errno.ENAMETOOLONG: 'give a shorter name',
}


def run_cli(main: Callable[[], object]) -> None:
    """Call `main`; a user's mistake becomes one line on stderr and exit code 1.

    With the environment variable DIDA_TRACEBACK=1 the full traceback is shown.

    Args:
        main: The tool, without arguments.

    Where nobody reads the output any more (`| head`), the process ends by SIGPIPE.

    Raises:
        SystemExit: Code 1 after a mistake, on a full disk, without the right to write somewhere or
            for want of memory, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names need not be UTF-8; what cannot be shown is escaped.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    try:
        _call(main)
    except UserError as error:
        _fail(error, str(error))
    except KeyboardInterrupt:
        end_passing_line()
        print('interrupted', file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        if isinstance(error, BrokenPipeError) and closed_streams():
            end_by_closed_pipe()
        # PyTorch tells of a dead loading worker wherever the main process happens to be.
        problem = worker_problem(error) or _disk_problem(error) or memory_problem(error)
        if problem is None:
            raise
        _fail(error, problem)


def _call(main: Callable[[], object]) -> None:
    """Call `main`, its output written out while a reader that has gone can still be told of."""
    try:
        main()
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _disk_problem(error: Exception) -> str | None:
    if not isinstance(error, OSError):
        return None
    if error.errno in _DISK_ERRORS:
        return f'no room to write {error.filename or "a file"}: {error.strerror}'
    advice = _PATH_ERRORS.get(error.errno or 0)
    if advice is None or error.filename is None:
        return None
    if os.path.islink(error.filename) and not os.path.exists(error.filename):
        return f'{named(error.filename)}: mend the link, or give another path'
    return f'{error.filename}: {error.strerror}; {advice}'


def _fail(error: Exception, message: str) -> None:
    if os.environ.get('DIDA_TRACEBACK') == '1':
        raise error
    end_passing_line()
    # torchrun starts processes beside each other: say which one it was.
    several = os.environ.get('WORLD_SIZE', '1') != '1'
    process = f' (process {os.environ.get("RANK")})' if several else ''
    print(f'error{process}: ' + ' '.join(message.split()), file=sys.stderr)
    raise SystemExit(1) from None
