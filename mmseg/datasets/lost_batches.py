"""Batches that a loading worker made and cannot send."""

import multiprocessing.queues
import sys
from typing import Any

from torch._utils import ExceptionWrapper

from mmseg.utils.errors import UserError
from mmseg.utils.worker_errors import told_in_one_line


def tell_of_lost_batches() -> None:
    """In a worker, hand on why a batch cannot be sent: no plain value in it, or no room for it.

    Python would print the reason, and the main process would wait for the batch for ever.
    """
    multiprocessing.queues.Queue._on_queue_feeder_error = _send_error  # type: ignore[attr-defined]


def _send_error(queue: Any, error: Exception, item: Any) -> None:
    index = item[0] if isinstance(item, tuple) else item
    try:
        with told_in_one_line('a batch'):
            raise error
    except UserError:
        queue.put((index, ExceptionWrapper(sys.exc_info(), 'in DataLoader worker process')))
