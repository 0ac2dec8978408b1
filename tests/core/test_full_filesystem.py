"""A file system of one megabyte that fills up while a checkpoint is written."""

import shutil
import subprocess

import pytest
import torch

from mmseg.core.checkpoint import read_checkpoint
from mmseg.core.hooks import CheckpointHook, IterationSeedHook
from mmseg.utils.errors import UserError
from tests.core.hooks.training import TinySegmentor, make_runner, train


class Wide(TinySegmentor):
    """A network whose checkpoint takes a quarter of a megabyte."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('ballast', torch.zeros(65_000))


def mount(folder, options: str) -> None:
    command = ['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip('this user may not mount a file system')


@pytest.fixture
def small(tmp_path):
    if shutil.which('mount') is None:
        pytest.skip('there is no mount command')
    folder = tmp_path / 'small'
    folder.mkdir()
    mount(folder, 'size=1m')
    yield folder
    subprocess.run(['umount', str(folder)], check=True)


def hooks():
    return [IterationSeedHook(0), CheckpointHook(1)]


def test_full_filesystem__what_was_saved_stays_and_the_run_goes_on_with_more_room(small, tmp_path):
    whole = train(make_runner(Wide(), tmp_path / 'whole', 8, hooks()))
    runner = make_runner(Wide(), small / 'run', 8, hooks())
    with pytest.raises(UserError, match=r'could not save .*No space left|could not save .*GiB'):
        train(runner)
    saved = sorted(path.name for path in (small / 'run').iterdir())
    assert saved == [*(f'iter_{n + 1}.pth' for n in range(len(saved) - 1)), 'latest.pth']
    assert len(saved) > 2
    for name in saved:
        assert read_checkpoint(small / 'run' / name)['meta']['iter'] <= len(saved) - 1
    mount(small, 'remount,size=16m')
    resumed = make_runner(Wide(), small / 'run', 8, hooks())
    assert resumed.auto_resume() and resumed.iter == len(saved) - 1
    train(resumed)
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)
