"""Real processes for tests: they start from one that has imported everything, so in no time."""

import atexit
import ctypes
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from mmseg.utils.cli import run_cli

_CONTEXT = multiprocessing.get_context('forkserver')
_CONTEXT.set_forkserver_preload(['mmseg.apis', 'mmseg.models', 'mmseg.core.hooks', 'pytest'])
_TIMEOUT = 300
_TIMEOUT_OF_TOOL = 60
_CLONE_NEWNS = 0x00020000


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


def run_tool(function: Callable[..., Any], *arguments: Any, shm: str | None = None) -> tuple:
    """Call a function of a module as a command line tool, in a process that ends as Python does.

    Args:
        function: The tool.
        *arguments: Its arguments.
        shm: Size of the process's own /dev/shm, '64k' for example.

    Returns:
        Its exit code, and what it and its children printed.

    Raises:
        AssertionError: It hangs.
    """
    with tempfile.NamedTemporaryFile() as output:
        process = _CONTEXT.Process(target=_tool, args=(output.name, shm, function, arguments))
        process.start()
        process.join(_TIMEOUT_OF_TOOL)
        hangs = process.is_alive()
        process.kill()
        said = Path(output.name).read_text()
    assert not hangs, f'the tool hangs: {said}'
    return process.exitcode, said


def _tool(output: str, shm: str | None, function: Callable, arguments: tuple) -> None:
    torch.set_num_threads(1)
    # What a tool has, in place of what this process was made by.
    multiprocessing.set_start_method('fork', force=True)
    os.environ.pop('DIDA_TRACEBACK', None)
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    if shm is not None:
        assert ctypes.CDLL(None).unshare(_CLONE_NEWNS) == 0
        subprocess.run(['mount', '--make-rprivate', '/'], check=True)
        size = f'size={shm}'
        subprocess.run(['mount', '-t', 'tmpfs', '-o', size, 'tmpfs', '/dev/shm'], check=True)
    try:
        run_cli(lambda: function(*arguments))
    finally:
        atexit._run_exitfuncs()


def _may_mount() -> bool:
    if shutil.which('unshare') is None:
        return False
    command = ['unshare', '-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/dev/shm']
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not _may_mount(), reason='this user may not mount a file system')
