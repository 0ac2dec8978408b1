"""Work done beside the main loop."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

_MAX_THREADS = 4


class Background:
    """Does jobs in threads while the caller goes on; to be used in a `with` statement.

    At most `max_waiting` jobs wait, then `submit` waits too: memory stays flat. A job's error is
    raised by a later `submit` or at the end of the `with` block, by when all jobs are done.

    Args:
        num_threads: Threads, by default one for each processor, at most four.
        max_waiting: Jobs that may be unfinished.
    """

    def __init__(self, num_threads: int | None = None, max_waiting: int = 16) -> None:
        num_threads = num_threads or min(os.cpu_count() or 1, _MAX_THREADS)
        self.max_waiting = max_waiting
        self._pool = ThreadPoolExecutor(num_threads)
        self._jobs: deque[Future[Any]] = deque()

    def submit(self, job: Callable[..., Any], *args: Any) -> None:
        """Let a job be done soon.

        Args:
            job: A function that other threads may call.
            *args: Its arguments.
        """
        while self._jobs and (len(self._jobs) >= self.max_waiting or self._jobs[0].done()):
            self._jobs.popleft().result()
        self._jobs.append(self._pool.submit(job, *args))

    def __enter__(self) -> 'Background':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for job in self._jobs:
                job.result()
