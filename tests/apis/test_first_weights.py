"""Where a training takes its first weights from, by the command line and by a config."""

import json
import sys

import pytest
import torch

from mmseg.core.checkpoint import read_checkpoint
from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config, write_run
from tools import train


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A run of five classes, and configs of trainings on as many."""
    folder = tmp_path_factory.mktemp('weights')
    (folder / 'run').mkdir()
    write_run(folder / 'run')
    for uda in (False, True):
        path = write_config(folder, uda, runner={'type': 'IterBasedRunner', 'max_iters': 1})
        # the weights are those that were loaded: no step changes them
        content = json.loads(path.read_text())
        content['optimizer'] = {'_delete_': True, 'type': 'SGD', 'lr': 0.0}
        content['lr_config'] = {'_delete_': True, 'policy': 'fixed'}
        path.write_text(json.dumps(content))
    state = read_checkpoint(folder / 'run' / 'latest.pth')['state_dict']
    state['decode_head.conv_seg.weight'] = torch.zeros(19, 16, 1, 1)
    state['decode_head.conv_seg.bias'] = torch.zeros(19)
    torch.save({'state_dict': state}, folder / 'released.pth')
    return folder


@pytest.fixture
def start(folder, tmp_path, monkeypatch, capsys):
    """Trains with options; returns the student's weights, or the error."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def start(config, *arguments):
        words = [folder / config, '--work-dir', tmp_path / 'w', '--no-validate', *arguments]
        monkeypatch.setattr(sys, 'argv', ['tools/train.py', *map(str, words)])
        try:
            run_cli(train.main)
        except SystemExit:
            return capsys.readouterr().err
        state = read_checkpoint(tmp_path / 'w' / 'iter_1.pth')['state_dict']
        branch = 'model.' if config == 'uda.json' else ''
        return {k.removeprefix(branch): v for k, v in state.items() if k.startswith(branch)}

    return start


@pytest.mark.parametrize('config', ['source_only.json', 'uda.json'])
@pytest.mark.parametrize('by', ['option', 'text', 'list'])
def test_load_from__of_other_classes_without_the_classifier(start, folder, config, by):
    part = {'text': 'decode_head.conv_seg', 'list': '[decode_head.conv_seg]'}
    arguments = {
        'option': ['--load-from', folder / 'released.pth', '--except', 'decode_head.conv_seg'],
        **{
            kind: ['--options', f'load_from={folder}/released.pth', f'load_except={value}']
            for kind, value in part.items()
        },
    }[by]
    if by == 'option':
        error = start(config, *arguments[:2])
        assert 'decode_head.conv_seg.weight is 19×16×1×1, expected 5×16×1×1' in error
        assert ': --except decode_head.conv_seg (load_except in a config)' in error
    weights = start(config, *arguments)
    released = read_checkpoint(folder / 'released.pth')['state_dict']
    learnt = [key for key in released if key.endswith('weight') and 'conv_seg' not in key]
    assert [key for key in learnt if not torch.equal(weights[key], released[key])] == []
    assert weights['decode_head.conv_seg.weight'].shape[0] == 5
    assert weights['decode_head.conv_seg.weight'].abs().sum() > 0


def test_load_except__without_weights_to_load_is_refused(start):
    error = start('source_only.json', '--except', 'decode_head')
    assert 'leaves entries of load_from out' in error and error.count('\n') == 1
