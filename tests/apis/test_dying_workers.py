"""Real loading processes that fail in every way: one line each, its own text in it, and no hang."""

import contextlib
import ctypes
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mmseg.apis import DeviceLoader, load_config
from mmseg.apis.loader import build_test_loader
from mmseg.datasets import build_dataloader, build_dataset
from mmseg.datasets.pipelines import Compose
from mmseg.utils.errors import UserError
from mmseg.utils.shared_memory import free_shared_memory
from tests.apis.tiny import write_config
from tests.processes import needs_mount, run_tool


class ManyArgumentsError(Exception):
    """An exception that no text alone makes."""

    def __init__(self, channels: int, wanted: int, place: str) -> None:
        super().__init__(f'{channels} channels at {place}, wanted {wanted}')


class SilentError(Exception):
    """One without arguments, and without a text."""

    def __init__(self) -> None:
        super().__init__()


class MessageError(Exception):
    """One with a `message` of its own, as some libraries have them."""

    message = 'of the class'

    def __init__(self, code: int) -> None:
        super().__init__(f'code {code}')


def of_a_local_class():
    class LocalError(Exception):
        pass

    return LocalError('known here only')


FAILURES = {
    'runtime error': (lambda: RuntimeError('wants three channels'), 'RuntimeError: wants three'),
    'of many arguments': (lambda: ManyArgumentsError(4, 3, 'a.png'), '4 channels at a.png'),
    'of a local class': (of_a_local_class, 'LocalError: known here only'),
    'silent': (SilentError, 'SilentError'),
    'with a message': (lambda: MessageError(7), 'MessageError: code 7'),
    'key': (lambda: KeyError('img'), "KeyError: 'img'"),
    'stop iteration': (lambda: StopIteration('enough'), 'StopIteration: enough'),
    'system exit': (lambda: SystemExit('bye'), 'SystemExit: bye'),
    'of several lines': (lambda: ValueError('one\nError: two\n three'), 'one Error: two three'),
    'unicode': (
        lambda: UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'invalid start byte'),
        'invalid start byte',
    ),
    'a users mistake': (lambda: UserError('label 77 in a.png:\n too high'), 'label 77 in a.png:'),
    'no file': (lambda: FileNotFoundError(2, 'No such file', 'a.png'), "'a.png'"),
}


class Images:
    """A training and test set whose sample 2 is what a function makes of it."""

    CLASSES = ('a', 'b')

    def __init__(self, make) -> None:
        self.make = make

    def __len__(self) -> int:
        return 4

    def draw(self, position: int, seed: int):
        return self[position]

    def __getitem__(self, index: int):
        return {'img': torch.ones(3, 4, 4)} if index != 2 else {'img': self.make()}


def load(make, num_workers=1):
    """Load all batches; return how many came before an error and its text."""
    loader = build_dataloader(Images(make), 1, num_workers, max_iters=4)
    num = 0
    with pytest.raises(UserError) as caught:
        for _ in DeviceLoader(loader, 'cpu'):
            num += 1
    assert '\n' not in str(caught.value)
    return num, str(caught.value)


@pytest.mark.parametrize('num_workers', [0, 1, 2])
@pytest.mark.parametrize('kind', FAILURES)
def test_device_loader__an_error_shows_its_own_text_and_place(kind, num_workers):
    make, expected = FAILURES[kind]

    def fails():
        raise make()

    num, said = load(fails, num_workers)
    assert num == 2 and expected in said
    if kind != 'a users mistake':
        assert said.startswith('training sample 2 cannot be loaded: ')
        assert 'tests/apis/test_dying_workers.py, line ' in said and 'in fails)' in said


def test_device_loader__want_of_memory_is_named_for_what_it_is():
    def fails():
        return np.zeros(1 << 60, np.uint8)

    for num_workers in (0, 1):
        _, said = load(fails, num_workers)
        assert said.startswith('no memory is left to load training sample 2 (')
        assert said.endswith('lower data.workers_per_gpu or data.samples_per_gpu')


@pytest.mark.parametrize('num_workers', [0, 1])
def test_device_loader__what_collating_meets_is_told(num_workers):
    def divide(samples):
        return {'img': len(samples) / 0}

    loader = build_dataloader(Images(Path), 1, num_workers, max_iters=4, collate=divide)
    with pytest.raises(UserError, match=r'^a batch cannot be loaded: ZeroDivisionError: .*divide'):
        list(DeviceLoader(loader, 'cpu'))


@pytest.mark.parametrize('held', [lambda: 0, threading.Lock(), (i for i in range(3))])
def test_device_loader__a_batch_that_cannot_be_sent_is_told_and_not_waited_for(held):
    def collate(samples):
        return {'img': samples[0]['img'], 'held': held}

    loader = build_dataloader(Images(lambda: torch.ones(3)), 1, 1, max_iters=4, collate=collate)
    with pytest.raises(UserError, match=r'a batch cannot be loaded: .*(pickle|local object)'):
        list(DeviceLoader(loader, 'cpu'))


def test_device_loader__a_test_image_that_fails_is_named(tmp_path):
    config = load_config(write_config(tmp_path))
    config.data.workers_per_gpu = 1
    dataset = build_dataset(config.data.test, {'test_mode': True})
    dataset.pipeline = Compose([*dataset.pipeline.transforms, _wants_three_channels])
    with pytest.raises(UserError) as caught:
        list(build_test_loader(dataset, config, torch.device('cpu')))
    place = 'tests/apis/test_dying_workers.py, line '
    assert str(caught.value).startswith(f'test image 0 cannot be loaded: OSError: bad ({place}')


def _wants_three_channels(results):
    raise OSError('bad')


# Where a program of three batches dies -> what is said of it.
DEATHS = {
    'a kill': (lambda: os.kill(os.getpid(), signal.SIGKILL), 'was killed, most often for want '),
    'a bus error': (
        lambda: os.kill(os.getpid(), signal.SIGBUS),
        'died of a bus error, most often',
    ),
    'a division': (
        lambda: os.kill(os.getpid(), signal.SIGFPE),
        'died (Floating point exception); ',
    ),
    'an abort': (os.abort, 'died (Aborted); data.workers_per_gpu=0 shows where'),
    'a wild pointer': (
        lambda: ctypes.string_at(0),
        'died (Segmentation fault); data.workers_per_g',
    ),
    'exit code 3': (lambda: os._exit(3), 'ended itself with exit code 3; data.workers_per_gpu=0'),
    'exit code 0': (lambda: os._exit(0), 'ended unexpectedly'),
}


class Squares:
    """A training set of images of some size; number 2 dies in a way of `DEATHS`."""

    def __init__(self, side: int, death: str | None) -> None:
        self.side = side
        self.death = death

    def __len__(self) -> int:
        return 30

    def draw(self, position: int, seed: int):
        if self.death is not None and position == 2:
            time.sleep(0.1)
            DEATHS[self.death][0]()
        return {'img': torch.ones(3, self.side, self.side)}


def load_squares(side, death, num_workers, seconds, left) -> None:
    """Use each batch for some seconds, while others fill shared memory but for `left` bytes."""
    loader = build_dataloader(Squares(side, death), 1, num_workers, max_iters=30)
    for _ in DeviceLoader(loader, 'cpu'):
        time.sleep(seconds)
        if left is not None:
            # The workers may be quicker; what used batches leave is taken the next time.
            with contextlib.suppress(OSError), open('/dev/shm/others', 'ab') as others:
                others.write(bytes(max(free_shared_memory() - left, 0)))
    print('done')


def program(side=8, death=None, num_workers=2, seconds=0.0, left=None, shm=None):
    """Run `load_squares` as a tool in a process; return its exit code and what it printed."""
    return run_tool(load_squares, side, death, num_workers, seconds, left, shm=shm)


@pytest.mark.parametrize('death', DEATHS)
def test_run_cli__a_worker_that_dies_is_told_by_what_it_died_of(death):
    assert_told(death, *program(death=death))


@pytest.mark.parametrize('death', ['a kill', 'a wild pointer', 'exit code 3'])
def test_run_cli__a_worker_that_dies_while_the_main_process_computes_is_told_too(death):
    assert_told(death, *program(death=death, seconds=0.3))


def assert_told(death, code, said):
    assert code == 1 and said.count('\n') == 1, said
    assert said.startswith(f'error: a process that loads data {DEATHS[death][1]}')
    assert 'pid' not in said


@needs_mount
@pytest.mark.parametrize('shm', ['4k', '32k', '52k', '60k', '200k', '500k'])
def test_run_cli__too_small_a_shared_memory_is_one_line_and_no_hang(shm):
    code, said = program(side=200, shm=shm)
    assert code == 1 and said.count('\n') == 1, said
    assert said.startswith('error: shared memory (/dev/shm) is too small: ')
    assert said.endswith('docker run --shm-size=8g (or --ipc=host), or data.workers_per_gpu=0\n')


@needs_mount
@pytest.mark.parametrize('shm', ['4k', '60k'])
def test_run_cli__without_workers_no_shared_memory_is_needed(shm):
    assert program(num_workers=0, side=200, shm=shm) == (0, 'done\n')


@needs_mount
@pytest.mark.parametrize('left', [0, 4096, 32768])
def test_run_cli__shared_memory_that_others_fill_later_is_told_too(left):
    code, said = program(side=100, left=left, seconds=0.02, shm='4m')
    assert code == 1 and said.count('\n') == 1, said
    assert said.startswith('error: shared memory (/dev/shm) is too small')
