"""Measuring on a GPU: what is kept, and what happens without one."""

import sys
import time
from pathlib import Path

import pytest
import torch

from mmseg.utils.cli import run_cli
from tools import benchmark, estimate_memory, gpu_check
from tools.gpu_check import CHECKS, run_checks

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a CUDA device')
def test_gpu_check__without_a_gpu_it_says_so_in_a_line(tmp_path, monkeypatch, capsys):
    file = tmp_path / 'figures.json'
    monkeypatch.setattr(sys, 'argv', ['gpu_check.py', str(file)])
    with pytest.raises(SystemExit) as end:
        run_cli(gpu_check.main)
    assert end.value.code == 1
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert 'sees no CUDA device here: nothing is measured' in line
    assert not said.out and not file.exists()


def test_run_checks__keeps_figures_and_what_failed_said():
    figures = "import json, sys; json.dump({'ms': 3}, open(sys.argv[2], 'w'))"
    kept = {}
    checks = {'good': ['-c', figures], 'bad': ['-c', "print('why'); raise SystemExit(2)"]}
    assert not run_checks(checks, kept.update, seconds=60)
    assert kept['good']['outcome'] == 'done' and kept['good']['figures'] == {'ms': 3}
    assert kept['bad']['outcome'] == 'failed' and kept['bad']['said'] == 'why\n'


def test_run_checks__stops_when_time_is_over_and_says_so():
    kept = {}
    # One that has started another process, which would hold the GPU and its output.
    long = "import subprocess; subprocess.run(['sleep', '60'])"
    start = time.monotonic()
    assert not run_checks({'long': ['-c', long], 'next': ['-c', '']}, kept.update, seconds=1)
    assert time.monotonic() - start < 30
    outcomes = [result['outcome'] for result in kept.values()]
    assert outcomes == ['stopped: no time left', 'left out: no time left']


@pytest.mark.parametrize('name', CHECKS)
def test_checks__name_files_and_options_that_there_are(name, monkeypatch):
    script, *arguments = CHECKS[name]
    if script == '-m':
        assert (ROOT / arguments[-1]).is_file()
        return
    monkeypatch.setattr(sys, 'argv', ['tool', *arguments, '--json', 'figures.json'])
    tool = benchmark if script == 'tools/benchmark.py' else estimate_memory
    assert script.endswith(f'{tool.__name__.rpartition(".")[2]}.py')
    args = tool.parse_args()
    assert (ROOT / getattr(args, 'config', 'tools')).exists()
