import os
import signal
import time
from functools import partial

import pytest

from mmseg.utils.errors import UserError
from mmseg.utils.process_pool import map_in_processes
from tests.processes import needs_mount, run_tool


def double(number):
    return 2 * number


def fail_at_7(number):
    if number == 7:
        raise UserError('7 is wrong')
    return number


def die_at(place, number):
    if number == place:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number


def kill_an_idle_one(number):
    if number == 0:
        time.sleep(0.5)
        for other in children(os.getppid()) - {os.getpid()}:
            os.kill(other, signal.SIGKILL)
        time.sleep(30)
    return number


def children(parent):
    with open(f'/proc/{parent}/task/{parent}/children') as file:
        return set(map(int, file.read().split()))


@pytest.mark.parametrize('num_processes', [1, 2, 3])
@pytest.mark.parametrize('num_items', [0, 1, 9, 50])
def test_map_in_processes__gives_all_results_in_order(num_items, num_processes):
    results = list(map_in_processes(double, range(num_items), num_processes))
    assert results == [2 * number for number in range(num_items)]


@pytest.mark.parametrize('num_processes', [1, 2])
def test_map_in_processes__or_all_of_them_in_any(num_processes):
    results = map_in_processes(double, range(20), num_processes, in_order=False)
    assert sorted(results) == list(range(0, 40, 2))


@pytest.mark.parametrize('num_processes', [1, 2])
def test_map_in_processes__an_error_is_raised_here(num_processes):
    with pytest.raises(UserError, match='7 is wrong'):
        list(map_in_processes(fail_at_7, range(20), num_processes))


@pytest.mark.parametrize('work', [partial(die_at, 0), partial(die_at, 17), kill_an_idle_one])
def test_map_in_processes__a_process_that_is_killed_is_told_and_not_waited_for(work):
    code, said = run_tool(go_through, work)
    assert (code, said) == (
        1,
        'error: a process was killed, most often for want of memory: lower --nproc\n',
    )


@needs_mount
@pytest.mark.parametrize('shm', ['4k', '8k', '12k'])
def test_map_in_processes__too_small_a_shared_memory_is_told(shm):
    code, said = run_tool(go_through, double, shm=shm)
    assert code == 1 and said.count('\n') == 1
    assert said.startswith('error: shared memory (/dev/shm) is too small')
    assert said.endswith('docker run --shm-size=8g (or --ipc=host), or --nproc 1\n')


def go_through(work):
    list(map_in_processes(work, range(18), 3))
