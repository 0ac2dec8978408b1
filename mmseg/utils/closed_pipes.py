"""What becomes of a process whose reader has gone: `--list | head`, a terminal that was closed."""

import os
import select
import signal
import sys
from typing import NoReturn, TextIO


def closed_streams() -> list[TextIO]:
    """Return which of standard output and standard error are pipes that nobody reads any more."""
    return [stream for stream in (sys.stdout, sys.stderr) if _is_closed(stream)]


def silence(streams: list[TextIO]) -> None:
    """Let what is written to streams from now on, or waits in them, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def end_by_closed_pipe() -> NoReturn:
    """End this process as one that wrote to a closed pipe, without a word, as `cat` and `ls` do."""
    silence(closed_streams())  # Python would complain once more when it flushes them
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    raise SystemExit(128 + signal.SIGPIPE)  # where the signal is blocked


def _is_closed(stream: TextIO) -> bool:
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):  # no file, as under a test or in a notebook
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
