import os
import signal
import threading
import time

import pytest

from mmseg.utils.stop_request import StopRequest, StopRequested


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_stop_request__a_signal_is_noted_and_handlers_are_put_back(number, capfd):
    before = signal.getsignal(number)
    with StopRequest() as request:
        assert not request.received
        send(number)
        assert request.received
    assert signal.getsignal(number) is before
    assert 'stopping after this iteration' in capfd.readouterr().err


def test_stop_request__a_second_ctrl_c_interrupts_and_a_second_sigterm_does_not():
    with StopRequest(), pytest.raises(KeyboardInterrupt):
        send(signal.SIGTERM)
        send(signal.SIGTERM)
        send(signal.SIGINT)
        send(signal.SIGINT)


def test_at_once__leaves_the_block_when_the_signal_comes_or_came_before():
    with StopRequest() as request:
        with pytest.raises(StopRequested), request.at_once():
            send(signal.SIGTERM)
            time.sleep(5)
        with pytest.raises(StopRequested), request.at_once():
            pytest.fail('the request came before')
        send(signal.SIGTERM)  # outside the block it is noted only


def test_stop_request__outside_the_main_thread_nothing_is_caught():
    def enter():
        with StopRequest() as request:
            seen.append(request.received)

    seen: list[bool] = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False]
