"""A run that is stopped and resumed ends as one that never was: weights, bank, log values."""

import json
import os
import resource
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from mmcv.runner import HOOKS, Hook

from benchmarks.run_comparison import run_differences
from mmseg.core.checkpoint import read_checkpoint
from mmseg.utils.cli import run_cli
from tests.apis.tiny import two_scales, write_config
from tools import train

NUM_ITERS = 6
# Bank, update of the bank, evaluation and log line all fall between the iterations stopped at.
SETTINGS = {
    'runner': {'type': 'IterBasedRunner', 'max_iters': NUM_ITERS},
    'checkpoint_config': {'by_epoch': False, 'interval': 3},
    'evaluation': {'interval': 3, 'metric': 'mIoU'},
    'log_config': {'interval': 4},
}
# A run of 6 iterations: one whole window, one of two iterations.
ACCUMULATING = {'cumulative_iters': 4, 'grad_clip': {'max_norm': 0.5}}
OPTIMIZER_CONFIGS = {
    'uda_accumulating': {'type': 'GradientCumulativeOptimizerHook', **ACCUMULATING},
    'fp16_accumulating': {'type': 'GradientCumulativeFp16OptimizerHook', **ACCUMULATING},
}
UDA = {
    'debug_img_interval': 0,
    'imnet_feature_dist_classes': [1, 3],
    'instance': {'num_entries': 7, 'update_interval': 2},
}
MASKS = {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8}
TWO_SCALES_UDA = {
    **UDA,
    'imnet_feature_dist_lambda': 0,  # crops are too small for a cell of it
    'instance': {**UDA['instance'], 'scale': 'both', 'masked': True},
    'mask_mode': 'separatetrgaug',
    'mask_alpha': 0.9,
    'mask_generator': MASKS,
}


@HOOKS.register_module()
class AskedToStop(Hook):
    """Sends this process a signal in an iteration."""

    def __init__(self, iteration: int, number: int) -> None:
        self.iteration, self.number = iteration, number

    def before_train_iter(self, runner) -> None:
        if runner.iter == self.iteration:
            os.kill(os.getpid(), self.number)


@pytest.fixture
def run(monkeypatch, capsys):
    """Trains in this process by the command line; returns what was printed."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def run(config, work_dir, *arguments):
        words = ['train', config, '--work-dir', work_dir, *arguments]
        monkeypatch.setattr(sys, 'argv', [*map(str, words)])
        run_cli(train.main)
        return capsys.readouterr().out

    yield run
    torch.use_deterministic_algorithms(False)


def assert_same_run(whole: Path, resumed: Path) -> None:
    assert run_differences(whole, resumed, f'iter_{NUM_ITERS}.pth') == []


@pytest.fixture(scope='module', params=['uda', 'uda_two_scales', 'source_only', *OPTIMIZER_CONFIGS])
def config(request, tmp_path_factory):
    has_uda = request.param.startswith('uda')
    path = write_config(tmp_path_factory.mktemp('data'), has_uda, **SETTINGS)
    content = json.loads(path.read_text())
    if has_uda:
        content['uda'] = UDA
    if request.param == 'uda_two_scales':
        content['model'] = two_scales(content['model'])
        content['uda'] = TWO_SCALES_UDA
    if request.param in OPTIMIZER_CONFIGS:
        content['optimizer_config'] = OPTIMIZER_CONFIGS[request.param]
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope='module')
def whole(config, tmp_path_factory):
    """The work dir of a run that nobody stopped."""
    work_dir = tmp_path_factory.mktemp('whole')
    words = ['train', str(config), '--work-dir', str(work_dir), '--deterministic']
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, 'is_available', lambda: False)
        patch.setattr(sys, 'argv', words)
        run_cli(train.main)
    torch.use_deterministic_algorithms(False)
    return work_dir


@pytest.mark.parametrize('stop', range(NUM_ITERS))
def test_resume__at_any_iteration_is_as_if_it_had_never_stopped(config, whole, stop, tmp_path, run):
    number = (signal.SIGTERM, signal.SIGINT)[stop % 2]
    hook = {'type': 'AskedToStop', 'iteration': stop, 'number': number}
    stopping = tmp_path / 'stopping.json'
    content = json.loads(config.read_text())
    stopping.write_text(json.dumps({**content, 'custom_hooks': [hook]}))
    work_dir = tmp_path / 'run'
    told = run(stopping, work_dir, '--deterministic')
    assert f'stopped after iteration {stop + 1} of {NUM_ITERS}' in told
    assert told.rstrip().splitlines()[-2].endswith('--resume')
    assert (work_dir / f'iter_{stop + 1}.pth').is_file() and not (work_dir / 'result.json').exists()
    run(config, work_dir, '--deterministic', '--auto-resume')
    assert_same_run(whole, work_dir)
    assert (work_dir / 'result.json').is_file()


def test_auto_resume__a_damaged_newest_checkpoint_is_passed_over(config, whole, tmp_path, run):
    run(config, tmp_path, '--deterministic', '--options', 'checkpoint_config.interval=2')
    newest = tmp_path / f'iter_{NUM_ITERS}.pth'
    newest.write_bytes(newest.read_bytes()[:-1000])
    before = tmp_path / 'iter_4.pth'
    flipped = bytearray(before.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    before.write_bytes(flipped)
    told = run(config, tmp_path, '--deterministic', '--auto-resume')
    # The best one may be a link to the newest.
    assert told.count('passed over') in (2, 3)
    assert_same_run(whole, tmp_path)


def test_auto_resume__without_a_checkpoint_the_run_begins(config, whole, tmp_path, run):
    told = run(config, tmp_path, '--auto-resume', '--deterministic')
    assert 'starting from the beginning' in ' '.join(told.split())
    assert_same_run(whole, tmp_path)


def test_auto_resume__a_finished_run_is_closed_anew(config, whole, tmp_path, run):
    run(config, tmp_path, '--deterministic')
    (tmp_path / 'result.json').unlink()
    assert 'nothing left to train' in run(config, tmp_path, '--auto-resume', '--deterministic')
    ours, theirs = (json.loads((d / 'result.json').read_text()) for d in (tmp_path, whole))
    assert ours['mIoU'] == theirs['mIoU'] and ours['IoU'] == theirs['IoU']


def test_deterministic__says_what_it_could_not_make_so(config, tmp_path, run):
    told = run(config, tmp_path, '--deterministic', '--options', 'runner.max_iters=1')
    assert 'operations that could not be made deterministic: none' in told


@HOOKS.register_module()
class DiskFills(Hook):
    """From an iteration on, files may not grow beyond a few kilobytes."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner) -> None:
        if runner.iter == self.iteration:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, most))


@pytest.fixture
def limit():
    """Puts the limit of a file's size back."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield partial(resource.setrlimit, resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk__the_last_checkpoint_stays_whole_and_the_run_goes_on(
    config, whole, tmp_path, run, limit, capsys
):
    filling = tmp_path / 'filling.json'
    hook = {'type': 'DiskFills', 'iteration': 4}
    filling.write_text(json.dumps({**json.loads(config.read_text()), 'custom_hooks': [hook]}))
    work_dir = tmp_path / 'run'
    with pytest.raises(SystemExit) as end:
        run(filling, work_dir, '--deterministic')
    said = capsys.readouterr().err
    assert end.value.code == 1
    assert said.startswith('error: could not save') and said.count('\n') == 1
    limit()
    assert os.readlink(work_dir / 'latest.pth') == 'iter_3.pth'
    assert read_checkpoint(work_dir / 'latest.pth')['meta']['iter'] == 3
    assert not list(work_dir.glob('.*tmp*'))
    run(config, work_dir, '--deterministic', '--auto-resume')
    assert_same_run(whole, work_dir)
