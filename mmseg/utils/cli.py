"""How every command line tool starts and ends."""

import errno
import io
import os
import sys
from collections.abc import Callable

from .errors import UserError
from .logger import end_passing_line
from .memory_errors import memory_problem
from .worker_errors import worker_problem

_DISK_ERRORS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def run_cli(main: Callable[[], object]) -> None:
    """Call `main`; a user's mistake becomes one line on stderr and exit code 1.

    With the environment variable DIDA_TRACEBACK=1 the full traceback is shown.

    Args:
        main: The tool, without arguments.

    Raises:
        SystemExit: Code 1 after a mistake, on a full disk or for want of memory, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names need not be UTF-8; what cannot be shown is escaped.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    try:
        main()
    except UserError as error:
        _fail(error, str(error))
    except KeyboardInterrupt:
        end_passing_line()
        print('interrupted', file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        # PyTorch tells of a dead loading worker wherever the main process happens to be.
        problem = worker_problem(error) or _disk_problem(error) or memory_problem(error)
        if problem is None:
            raise
        _fail(error, problem)


def _disk_problem(error: Exception) -> str | None:
    if not isinstance(error, OSError) or error.errno not in _DISK_ERRORS:
        return None
    return f'no room to write {error.filename or "a file"}: {error.strerror}'


def _fail(error: Exception, message: str) -> None:
    if os.environ.get('DIDA_TRACEBACK') == '1':
        raise error
    end_passing_line()
    print(f'error{_process()}: ' + ' '.join(message.split()), file=sys.stderr)
    raise SystemExit(1) from None


def _process() -> str:
    """Name this process where torchrun started it beside others."""
    several = os.environ.get('WORLD_SIZE', '1') != '1'
    return f' (process {os.environ.get("RANK")})' if several else ''
