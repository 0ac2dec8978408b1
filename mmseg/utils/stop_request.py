"""Being asked to stop (Ctrl-C, a scheduler's SIGTERM) without dying in the middle of something."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_NOTICE = b'\nstopping after this iteration; its checkpoint will be saved (Ctrl-C again: at once)\n'
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequested(Exception):
    """Work that may be left at any point is to be left now."""


class StopRequest:
    """Notes SIGINT and SIGTERM while it is entered, instead of letting them end the process.

    A second Ctrl-C interrupts at once. Where signals cannot be caught, outside the main thread,
    nothing is noted.
    """

    def __init__(self) -> None:
        self.received = False
        self._leave_now = False
        self._num_interrupts = 0
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> 'StopRequest':
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a request, even one received before, leave this block by `StopRequested`."""
        if self.received:
            raise StopRequested
        self._leave_now = True
        try:
            yield
        finally:
            self._leave_now = False

    def _note(self, number: int, _: FrameType | None) -> None:
        self._num_interrupts += number == signal.SIGINT
        if self._num_interrupts > 1:
            raise KeyboardInterrupt
        if not self.received:
            # Not a log record: the signal may have come in the middle of one.
            os.write(2, _NOTICE)
        self.received = True
        if self._leave_now:
            self._leave_now = False
            raise StopRequested
