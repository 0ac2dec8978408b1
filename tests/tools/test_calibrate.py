"""Calibrating a network by unlabelled images: a real run, on disk."""

import re
import sys

import pytest
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.selection import calibration
from mmseg.utils.cli import run_cli
from tools import calibrate

from .adapted import adapted_run


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return adapted_run(tmp_path_factory.mktemp('run'))


def call(monkeypatch, *arguments):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(sys, 'argv', ['calibrate', *map(str, arguments)])
    run_cli(calibrate.main)


@pytest.mark.parametrize(('options', 'branch'), [((), 'ema_model'), (('--student',), 'model')])
def test_calibrate__writes_a_network_whose_logits_are_scaled(
    options, branch, run, monkeypatch, capsys, tmp_path
):
    # Two iterations from random weights may know one class alone.
    known = torch.tensor([[2.0, 0.0]] * 9 + [[0.0, 2.0]]), torch.zeros(10, dtype=torch.long)
    monkeypatch.setattr(calibration, 'pseudo_labelled_pixels', lambda *_: known)
    out = tmp_path / 'calibrated.pth'
    call(monkeypatch, run, '--out', out, '--evaluate', *options)
    told = capsys.readouterr().out
    temperature = float(re.search(r'temperature (\S+), of 5 target images', told)[1])
    before, after = (
        re.search(rf'{name}: ECE ([\d.]+)%, NLL ([\d.]+), Brier score ([\d.]+)', told).groups()
        for name in ('as trained', 'calibrated')
    )
    assert before != after
    assert read_checkpoint(out)['meta']['temperature'] == pytest.approx(temperature, abs=1e-3)
    cfg = load_config(run / 'config.json')
    trained = init_segmentor(cfg, run / 'latest.pth', 'cpu', branch)
    calibrated = init_segmentor(cfg, out, 'cpu')
    image = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        expected = trained.encode_decode(image, [{}]) / temperature
        scaled = calibrated.encode_decode(image, [{}])
    torch.testing.assert_close(scaled, expected, rtol=1e-2, atol=1e-4)
    assert (run / 'latest.pth').resolve().name == 'iter_2.pth'
