"""How reliable choosing is, measured on real runs on disk."""

import json
import shutil
import sys

import cv2
import pytest
import torch

from mmseg.utils.cli import run_cli
from tools import measure_choosing

from .adapted import adapted_run


def test_measure_choosing__measures_once_and_compares_within_and_between_runs(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    run = adapted_run(tmp_path)
    capsys.readouterr()
    other = tmp_path / 'other'
    shutil.copytree(run, other)
    arguments = ['measure_choosing', str(run), str(other), '--num-images', '4']
    arguments += ['--figure', str(tmp_path / 'lost.png')]
    monkeypatch.setattr(sys, 'argv', arguments)
    run_cli(measure_choosing.main)
    first = capsys.readouterr()
    assert first.err.count('seen: ') == 8
    kept = json.loads((run / 'choosing.json').read_text())
    assert len(kept['networks']) == 4
    assert all(0 <= network['scores']['mIoU'] <= 1 for network in kept['networks'])
    for title in ('Within runs: 2 groups of 8 networks', 'Between runs on one target: 1 groups'):
        assert title in first.out
    for way in ('nuclear norm', 'flip agreement', 'iteration', 'the last teacher'):
        assert f'| {way} |' in first.out
    assert cv2.imread(str(tmp_path / 'lost.png')).std() > 5
    run_cli(measure_choosing.main)
    again = capsys.readouterr()
    assert 'seen: ' not in again.err and again.out == first.out


def test_measure_choosing__a_run_without_checkpoints_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['measure_choosing', str(tmp_path)])
    with pytest.raises(SystemExit):
        run_cli(measure_choosing.main)
    assert f'no checkpoints iter_*.pth in {tmp_path}' in capsys.readouterr().err
