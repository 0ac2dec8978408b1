"""The command line of the memory's prediction."""

import json
import sys

import pytest

from mmseg.utils.errors import UserError
from tools import estimate_memory

CONFIG = 'benchmarks/gta2cs_dida_mitb0.py'


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, 'argv', ['tool', *arguments])
        estimate_memory.main()
        return capsys.readouterr().out

    return call


def test_estimate_memory__prints_parts_and_a_card(run, monkeypatch, tmp_path):
    asked = {}

    def estimate(cfg, device, picture, crop):
        asked.update(amp=cfg.amp, batch=cfg.data.samples_per_gpu, device=device, crop=crop)
        return {'training': {'student': 1 << 30, 'activations': 8 << 30}}

    monkeypatch.setattr(estimate_memory, 'estimate', estimate)
    file = tmp_path / 'bytes.json'
    changes = ['--amp', 'bf16', '--batch', '4', '--crop', '64', '96', '--json', str(file)]
    lines = run(CONFIG, *changes).splitlines()
    assert asked == {'amp': 'bf16', 'batch': 4, 'device': 'cuda', 'crop': [64, 96]}
    assert lines[0] == 'training: GiB at the peak'
    assert [line.split()[-1] for line in lines[1:4]] == ['8.00', '1.00', '9.00']
    # With a tenth for gaps and 1 GiB for CUDA.
    assert '10.90, for which a card of 11 GiB suffices' in lines[4]
    assert json.loads(file.read_text())['training']['student'] == 1 << 30


def test_estimate_memory__an_unknown_config_is_refused(run):
    with pytest.raises(UserError, match=r'no config file at missing\.py'):
        run('missing.py')


@pytest.mark.parametrize(
    ('option', 'numbers'), [('--batch', ['0']), ('--crop', ['64', '-1']), ('--picture', ['0', '9'])]
)
def test_estimate_memory__sizes_of_nothing_are_refused(run, option, numbers):
    with pytest.raises(UserError, match=f'{option}: expected numbers from 1 on'):
        run(CONFIG, option, *numbers)


def test_table__a_peak_that_no_card_has_room_for_is_told():
    assert 'no card suffices' in estimate_memory.table({'training': {'student': 1 << 40}}, 'cuda')
    assert 'suffices' not in estimate_memory.table({'training': {'student': 1 << 40}}, 'cpu')
