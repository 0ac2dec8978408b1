"""The check as a user runs it, and before a training."""

import sys

import pytest
import torch

from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config
from tests.processes import needs_mount, run_tool
from tools import check, train


@pytest.fixture
def says(monkeypatch, capsys):
    """Runs a tool in this process; returns its exit code and what it printed."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def says(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', ['tool', *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            run_cli(tool.main)
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return says


@pytest.mark.parametrize('uda', [False, True])
def test_check__a_sound_config_is_passed_and_nothing_is_written(says, tmp_path, uda, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, uda)
    before = sorted(tmp_path.rglob('*'))
    code, said = says(check, config)
    assert code == 0 and 'nothing stands in the way of training' in said
    assert sorted(tmp_path.rglob('*')) == before


def test_check__what_is_wrong_is_one_line_and_exit_code_1(says, tmp_path):
    config = write_config(tmp_path)
    code, said = says(check, config, '--options', 'model.decode_head.num_classes=3')
    assert code == 1 and 'Traceback' not in said
    assert said.splitlines()[-1].startswith('error: model.decode_head.num_classes is 3')


@pytest.mark.parametrize(
    ('option', 'told'),
    [
        ('optimizer.type=AdamWW', 'AdamWW'),
        ('lr_config.policy=polly', "there is no 'polly'"),
        ('checkpoint_config.by_epoch=True', 'by_epoch=True is not supported'),
        ('checkpoint_config.every=3', "has no setting 'every'"),
        ('max_skipped_steps=1', 'expected at least 2, got 1'),
        ('amp=fp8', 'fp8'),
        ('runner.max_iters=0', 'expected a whole number above 0, got 0'),
        ('runner.max_iters=None', 'lacks runner.max_iters'),
        ('data.samples_per_gpu=None', 'lacks data.samples_per_gpu'),
        ('data.samples_per_gpu=0', 'samples_per_gpu: expected a whole number above 0, got 0'),
        ('data.workers_per_gpu=-1', 'expected a whole number from 0, got -1'),
        ('data.train.img_dir=nowhere', 'nowhere of CustomDataset does not exist'),
        ('data.val.img_dir=nowhere', 'nowhere of CustomDataset does not exist'),
        ('evaluation.metric=mIuO', "there is no metric 'mIuO'"),
        ('evaluation.save_best=mDice', "no metric 'mDice'"),
        ('load_from=gone.pth', 'no checkpoint file at gone.pth'),
    ],
)
def test_check__what_training_would_refuse_is_an_error_of_one_line(says, tmp_path, option, told):
    code, said = says(check, write_config(tmp_path), '--options', option)
    last = said.splitlines()[-1]
    assert code == 1 and last.startswith('error: ') and told in last, said


def test_check__all_errors_are_shown_at_once(says, tmp_path):
    options = ('data.val.img_dir=nowhere', 'checkpoint_config.by_epoch=True', 'load_from=gone.pth')
    code, said = says(check, write_config(tmp_path), '--options', *options)
    assert code == 1 and said.count('error: ') == 4
    assert said.splitlines()[-1].endswith('(3 errors in all, see above)')


def test_train__looks_first_unless_told_not_to(says, tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr(train, 'check_run', lambda run: looked.append(run))
    config, work_dir = write_config(tmp_path), ('--work-dir', tmp_path / 'run')
    assert says(train, config, *work_dir, '--no-check')[0] == 0 and looked == []
    assert says(train, config, '--work-dir', tmp_path / 'other')[0] == 0 and len(looked) == 1


def run_train(*arguments):
    sys.argv = ['train', *arguments]
    train.main()


@needs_mount
@pytest.mark.parametrize('shm', ['16k', '64k', '150k'])
def test_train__too_small_a_shared_memory_is_told_before_the_first_iteration(tmp_path, shm):
    config = write_config(tmp_path, uda=True)
    arguments = (str(config), '--work-dir', str(tmp_path / 'run'), '--options')
    code, said = run_tool(run_train, *arguments, 'data.workers_per_gpu=2', shm=shm)
    assert code == 1 and 'training from iteration' not in said and 'Traceback' not in said
    last = said.splitlines()[-1]
    assert last.startswith('error: shared memory (/dev/shm) is too small: ')
    assert '2 workers that load 2 batches of ' in last and 'docker run --shm-size' in last


@needs_mount
def test_train__without_workers_it_needs_none(tmp_path):
    config = write_config(tmp_path)
    code, said = run_tool(run_train, str(config), '--work-dir', str(tmp_path / 'run'), shm='4k')
    assert code == 0, said


@needs_mount
def test_train__shared_memory_that_evaluation_lacks_is_told_too(tmp_path):
    config = write_config(tmp_path)
    arguments = (str(config), '--work-dir', str(tmp_path / 'run'), '--options')
    options = ('data.workers_per_gpu=1', 'evaluation.interval=2', 'data.samples_per_gpu=1')
    # a queue and an event of one loader with one worker, and its batches, but not of two loaders
    code, said = run_tool(run_train, *arguments, *options, shm='84k')
    assert code == 1 and 'Traceback' not in said, said
    assert 'training from iteration' in said
    assert said.splitlines()[-1].startswith('error: shared memory (/dev/shm) is too small')
