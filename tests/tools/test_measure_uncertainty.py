"""How well maps of uncertainty find errors, measured on a real run."""

import sys

import torch

from mmseg.utils.cli import run_cli
from tools import measure_uncertainty

from .adapted import adapted_run


def test_measure_uncertainty__a_line_for_each_run_with_all_maps(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    run = adapted_run(tmp_path)
    capsys.readouterr()
    for options in ([], ['--student']):
        monkeypatch.setattr(sys, 'argv', ['measure_uncertainty', str(run), *options])
        run_cli(measure_uncertainty.main)
        head, _, line = capsys.readouterr().out.splitlines()
        assert head == '| run | entropy | networks | levels | levels, as trained |'
        name, *values = line.strip('| ').split(' | ')
        assert name == 'work' and len(values) == 4
        assert all(0 <= float(value.rstrip('%')) <= 100 for value in values)
