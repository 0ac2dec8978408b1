"""Freed memory is kept for what comes next."""

import os
import platform
import subprocess
import sys

import pytest
import torch

from mmseg.speed.heap import heap_environment, training_environment

COUNT_FAULTS = """
import resource, sys
import torch
from mmseg.speed.heap import keep_freed_memory
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


def test_heap_environment__leaves_out_the_caches_of_threads(monkeypatch):
    monkeypatch.delenv('GLIBC_TUNABLES', raising=False)
    environment = heap_environment()
    assert environment.pop('GLIBC_TUNABLES') == 'glibc.malloc.tcache_count=0'
    assert environment.items() <= os.environ.items()


def test_heap_environment__leaves_the_settings_that_there_are(monkeypatch):
    monkeypatch.setenv('GLIBC_TUNABLES', 'glibc.malloc.arena_max=2')
    expected = 'glibc.malloc.arena_max=2:glibc.malloc.tcache_count=0'
    assert heap_environment()['GLIBC_TUNABLES'] == expected
    monkeypatch.setenv('GLIBC_TUNABLES', 'glibc.malloc.tcache_count=7')
    assert heap_environment()['GLIBC_TUNABLES'] == 'glibc.malloc.tcache_count=7'


def test_training_environment__keeps_the_heap_whole_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert 'tcache_count' in training_environment()['GLIBC_TUNABLES']
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert training_environment() is None
