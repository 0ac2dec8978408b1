"""Errors of the processes that load data, in one line that says what it was and where.

An error has a long way: it is raised in a worker, whose exceptions may be of any class, or kills
it; PyTorch hands on what it can, to wherever the main process happens to be.
"""

import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from .error_lines import causes, error_line
from .errors import UserError
from .shared_memory import room, shared_memory_problem

_NO_MEMORY = 'lower data.workers_per_gpu or data.samples_per_gpu'
_SIGNAL = re.compile(r'is killed by signal: (\w[\w ]*)')
_EXIT_CODE = re.compile(r'exited unexpectedly with exit code (\d+)')
# PyTorch hands an error on as its text, the worker's whole traceback before it.
_HANDED_ON = re.compile(r'Caught \w+ in (DataLoader worker|pin memory)')


@contextmanager
def told_in_one_line(what: str) -> Iterator[None]:
    """Turn any error in a block into a `UserError` of one line.

    Of other classes not all find their way out of a worker, nor arguments, nor several lines.

    Args:
        what: What the block loads, for the message: 'sample 7'.

    Raises:
        UserError: With the error's own text and place.
    """
    try:
        yield
    except UserError as error:
        # Its class, its arguments and its lines need not survive the way.
        raise UserError(' '.join(str(error).split())) from error
    except MemoryError as error:
        raise UserError(
            f'no memory is left to load {what} ({error_line(error)}): {_NO_MEMORY}'
        ) from error
    except (Exception, SystemExit) as error:
        problem = shared_memory_problem(error)
        raise UserError(problem or f'{what} cannot be loaded: {error_line(error)}') from error


def worker_problem(error: BaseException, exit_codes: Iterable[int | None] = ()) -> str | None:
    """Phrase an error that comes of a process that loads data; None for any other.

    Args:
        error: What PyTorch's loader raised, or its handler of SIGCHLD anywhere.
        exit_codes: Those of the workers, negative for signals, None for one that lives.
    """
    shared = shared_memory_problem(error)
    if shared is not None:
        return shared
    if _HANDED_ON.match(str(error).strip()):
        return _handed_on(str(error))
    texts = [str(cause) for cause in causes(error)]
    if not any(text.startswith('DataLoader worker') for text in texts):
        return None
    texts += [_end(code) for code in exit_codes if code]
    return next(filter(None, map(_death, texts)), 'a process that loads data ended unexpectedly')


def _handed_on(text: str) -> str:
    name, _, said = text.strip().splitlines()[-1].partition(': ')
    if name.rpartition('.')[2] == UserError.__name__:
        return said
    return f'loading data failed: {name}: {said}'


def _end(code: int) -> str:
    """Say how a process ended as PyTorch does."""
    if code < 0:
        return f'is killed by signal: {signal.strsignal(-code)}'
    return f'exited unexpectedly with exit code {code}'


def _death(text: str) -> str | None:
    by, code = _SIGNAL.search(text), _EXIT_CODE.search(text)
    where = 'data.workers_per_gpu=0 shows where'
    if by is not None and 'Bus error' in by[1]:
        return f'a process that loads data died of a bus error, most often for want of {room()}'
    if by is not None and 'Killed' in by[1]:
        return f'a process that loads data was killed, most often for want of memory: {_NO_MEMORY}'
    if by is not None:
        return f'a process that loads data died ({by[1].strip()}); {where}'
    if code is not None:
        return f'a process that loads data ended itself with exit code {code[1]}; {where}'
    return None
