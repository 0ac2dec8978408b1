"""Freed memory is kept for what comes next."""

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, sys
import torch
from mmseg.utils.heap import keep_freed_memory
if sys.argv[1] == 'keep':
    assert keep_freed_memory()
def use():
    torch.ones(10 << 20)  # 40 MiB
for _ in range(10):
    use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(choice):
    command = [sys.executable, '-c', COUNT_FAULTS, choice]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='the C library is another one')
def test_keep_freed_memory__spares_the_system_clearing_pages_again():
    assert faults('keep') < faults('not') / 10
