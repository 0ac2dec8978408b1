import pytest

from mmseg.utils import shared_memory
from mmseg.utils.errors import UserError
from mmseg.utils.worker_errors import told_in_one_line, worker_problem

KILLED = (
    'a process that loads data was killed, most often for want of memory: lower '
    'data.workers_per_gpu or data.samples_per_gpu'
)
WHERE = 'data.workers_per_gpu=0 shows where'


@pytest.mark.parametrize(
    ('text', 'codes', 'expected'),
    [
        ('DataLoader worker (pid 7) is killed by signal: Killed. ', (), KILLED),
        ('DataLoader worker (pid(s) 7) exited unexpectedly', (None, -9), KILLED),
        (
            'DataLoader worker (pid 7) is killed by signal: Segmentation fault. ',
            (),
            f'a process that loads data died (Segmentation fault); {WHERE}',
        ),
        (
            'DataLoader worker (pid 7) exited unexpectedly with exit code 3. Details are lost',
            (),
            f'a process that loads data ended itself with exit code 3; {WHERE}',
        ),
        (
            'DataLoader worker (pid(s) 7, 8) exited unexpectedly',
            (0, 5),
            f'a process that loads data ended itself with exit code 5; {WHERE}',
        ),
        (
            'DataLoader worker (pid(s) 7) exited unexpectedly',
            (0, None),
            'a process that loads data ended unexpectedly',
        ),
    ],
)
def test_worker_problem__tells_what_a_worker_died_of(text, codes, expected):
    assert worker_problem(RuntimeError(text), codes) == expected


def test_worker_problem__a_bus_error_names_shared_memory(monkeypatch):
    monkeypatch.setattr(shared_memory, 'free_shared_memory', lambda: 65536)
    said = worker_problem(
        RuntimeError('DataLoader worker (pid 7) is killed by signal: Bus error. ')
    )
    assert said == (
        'a process that loads data died of a bus error, most often for want of shared memory '
        '(/dev/shm, 64.0 KiB free): docker run --shm-size=8g (or --ipc=host), or '
        'data.workers_per_gpu=0'
    )


@pytest.mark.parametrize('own', ['mmseg.utils.errors.UserError', 'UserError'])
def test_worker_problem__of_what_was_handed_on_the_users_mistake_alone_is_told(own):
    text = f'Caught UserError in DataLoader worker process 0.\nOriginal Traceback …\n{own}: a: b'
    assert worker_problem(RuntimeError(text)) == 'a: b'


def test_worker_problem__of_other_loaders_the_error_is_told():
    text = 'Caught OSError in DataLoader worker process 0.\nOriginal …\n  File "x"\nOSError: lost'
    assert worker_problem(OSError(text)) == 'loading data failed: OSError: lost'


@pytest.mark.parametrize(
    'error', [RuntimeError('mat1 and mat2'), KeyError('img'), ValueError('Caught a cold')]
)
def test_worker_problem__other_errors_are_none(error):
    assert worker_problem(error) is None


def test_told_in_one_line__lets_what_is_well_pass():
    with told_in_one_line('sample 7'):
        pass


def test_told_in_one_line__keeps_where_it_came_from():
    expected = pytest.raises(UserError, match='sample 7 cannot be loaded: KeyError')
    with expected as caught, told_in_one_line('sample 7'):
        raise KeyError('img')
    assert isinstance(caught.value.__cause__, KeyError)


def test_told_in_one_line__ctrl_c_is_no_error():
    with pytest.raises(KeyboardInterrupt), told_in_one_line('sample 7'):
        raise KeyboardInterrupt
