import errno

import pytest

from mmseg.utils import shared_memory
from mmseg.utils.errors import UserError
from mmseg.utils.shared_memory import (
    human_bytes,
    require_room_for_workers,
    shared_memory_problem,
    too_small,
    worker_overhead,
)


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes of shared memory are free."""
    return lambda number: monkeypatch.setattr(shared_memory, 'free_shared_memory', lambda: number)


@pytest.mark.parametrize(
    ('number', 'text'),
    [
        (0, '0 bytes'),
        (1023, '1023 bytes'),
        (1024, '1.0 KiB'),
        (65536, '64.0 KiB'),
        (3 * 2**30, '3.0 GiB'),
        (5 * 2**50, '5120.0 TiB'),
    ],
)
def test_human_bytes__is_what_people_read(number, text):
    assert human_bytes(number) == text


def test_worker_overhead__is_a_page_for_each_lock():
    # a queue (3) and an event (5) of the loader, a queue of each worker
    assert worker_overhead(2) == (3 + 5 + 2 * 3) * 4096


def test_require_room_for_workers__the_last_page_counts(free):
    free(worker_overhead(3))
    require_room_for_workers(3)
    free(worker_overhead(3) - 1)
    with pytest.raises(UserError, match=r'3 workers need 68\.0 KiB to begin'):
        require_room_for_workers(3)
    require_room_for_workers(0)
    free(None)
    require_room_for_workers(3)


def test_too_small__says_what_there_is_what_is_needed_and_what_helps(free):
    free(65536)
    assert too_small('2 workers need 1.0 MiB') == (
        'shared memory (/dev/shm) is too small: 64.0 KiB free, 2 workers need 1.0 MiB; what helps: '
        'docker run --shm-size=8g (or --ipc=host), or data.workers_per_gpu=0'
    )
    free(None)
    assert too_small(without='--nproc 1').endswith(
        'is too small; what helps: docker run --shm-size=8g (or --ipc=host), or --nproc 1'
    )


@pytest.mark.parametrize(
    'text',
    [
        'unable to allocate shared memory(shm) for file </torch_1_2_3>: No space left on device',
        'unable to open shared memory object </torch_1> in read-write mode: Too many open files',
        'unable to resize file </torch_7_8> to the right size: No space left on device (28)',
    ],
)
def test_shared_memory_problem__pytorchs_words_are_known_wherever_they_stand(text):
    outer = ValueError('a batch was lost')
    outer.__cause__ = RuntimeError(text)
    assert shared_memory_problem(RuntimeError(text)) == shared_memory_problem(outer) is not None


@pytest.mark.parametrize('error', [RuntimeError('x'), OSError(errno.ENOSPC, 'No space', 'a.png')])
def test_shared_memory_problem__other_errors_are_none(error):
    assert shared_memory_problem(error) is None
