import threading

import pytest

from mmseg.utils.background import Background


def test_background__all_jobs_are_done_at_the_end():
    done = []
    with Background(num_threads=3) as background:
        for number in range(50):
            background.submit(done.append, number)
    assert sorted(done) == list(range(50))


def test_background__submit_waits_while_too_many_jobs_wait():
    gate, started = threading.Event(), threading.Event()
    with Background(num_threads=1, max_waiting=2) as background:
        background.submit(gate.wait)
        background.submit(gate.wait)

        def submit_one_more():
            background.submit(gate.wait)
            started.set()

        thread = threading.Thread(target=submit_one_more)
        thread.start()
        assert not started.wait(0.05)
        gate.set()
        thread.join()
        assert started.is_set()


def fail():
    raise OSError('no room')


def test_background__an_error_is_raised_by_a_later_job():
    with pytest.raises(OSError, match='no room'), Background(num_threads=1) as background:
        background.submit(fail)
        for _ in range(1000):
            background.submit(threading.Event().wait, 0.001)
        pytest.fail('the error came too late')


def test_background__an_error_of_the_last_job_is_raised_at_the_end():
    with pytest.raises(OSError, match='no room'), Background() as background:
        background.submit(fail)


def test_background__the_callers_own_error_comes_first():
    with pytest.raises(KeyError), Background() as background:
        background.submit(fail)
        raise KeyError
