import os
import signal
import subprocess
import sys

import pytest

from mmseg.utils.errors import UserError
from mmseg.utils.lock import alone_in

HOLDER = 'import sys, time; from mmseg.utils.lock import alone_in\n'
HOLDER += 'with alone_in(sys.argv[1]): print("held", flush=True); time.sleep(60)'


def test_alone_in__another_process_is_refused_until_the_first_is_gone(tmp_path):
    folder = tmp_path / 'new'
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == 'held\n'
    with pytest.raises(UserError, match=r'another process is at work in .*new'), alone_in(folder):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with alone_in(folder):
        pass
