"""Real processes for tests: they start from one that has imported everything, so in no time."""

import multiprocessing
import tempfile
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

_CONTEXT = multiprocessing.get_context('forkserver')
_CONTEXT.set_forkserver_preload(['mmseg.apis', 'mmseg.models', 'mmseg.core.hooks'])
_TIMEOUT = 300


def run_processes(num_processes: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Call a function of a module in each of some processes that form a gloo group.

    With one process there is no group, as in a run that nobody shares.

    Returns:
        What each process's call returned; tensors must be turned into something plain.

    Raises:
        AssertionError: With the traceback of a process that failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        processes, ends = [], []
        for rank in range(num_processes):
            end, other = _CONTEXT.Pipe(duplex=False)
            place = (rank, num_processes, str(Path(folder) / 'store'))
            process = _CONTEXT.Process(target=_call, args=(other, place, function, arguments))
            process.start()
            other.close()
            processes.append(process)
            ends.append(end)
        try:
            return [_result(end) for end in ends]
        finally:
            for process in processes:
                process.join(_TIMEOUT)
                process.kill()


def _call(end: Any, place: tuple[int, int, str], function: Callable, arguments: tuple) -> None:
    rank, num_processes, store = place
    torch.set_num_threads(1)
    try:
        if num_processes > 1:
            dist.init_process_group(
                'gloo',
                f'file://{store}',
                rank=rank,
                world_size=num_processes,
                timeout=timedelta(seconds=_TIMEOUT),
            )
        end.send((True, function(*arguments)))
        if num_processes > 1:
            dist.destroy_process_group()
    except Exception:
        end.send((False, traceback.format_exc()))


def _result(end: Any) -> Any:
    assert end.poll(_TIMEOUT), 'a process hangs'
    succeeded, value = end.recv()
    assert succeeded, value
    return value
