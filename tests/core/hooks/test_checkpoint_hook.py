import os

import pytest

from mmseg.core.checkpoint import read_checkpoint
from mmseg.core.hooks import CheckpointHook
from mmseg.utils.errors import UserError
from tests.core.hooks.training import TinySegmentor, make_runner, train


@pytest.mark.parametrize(
    ('interval', 'keep', 'expected'),
    [(2, -1, {2, 4, 5}), (1, 2, {4, 5}), (-1, -1, {5}), (5, 1, {5})],
)
def test_checkpoint_hook__saves_at_intervals_and_at_the_end_and_keeps_the_newest(
    tmp_path, interval, keep, expected
):
    (tmp_path / 'iter_best.pth').write_text('not ours')
    train(make_runner(TinySegmentor(), tmp_path, 5, [CheckpointHook(interval, keep)]))
    names = {f'iter_{number}.pth' for number in expected}
    assert set(os.listdir(tmp_path)) == names | {'latest.pth', 'iter_best.pth'}
    assert os.readlink(tmp_path / 'latest.pth') == 'iter_5.pth'


def test_checkpoint_hook__epochs_are_refused():
    with pytest.raises(UserError, match='by_epoch'):
        CheckpointHook(1, by_epoch=True)


def test_checkpoint_hook__after_going_back_what_was_written_since_is_kept(tmp_path):
    train(make_runner(TinySegmentor(), tmp_path, 6, [CheckpointHook(1, 3)]))
    back = make_runner(TinySegmentor(), tmp_path, 5, [CheckpointHook(1, 1)])
    back.resume(str(tmp_path / 'iter_4.pth'))
    train(back)
    assert set(os.listdir(tmp_path)) == {'iter_5.pth', 'latest.pth'}
    assert read_checkpoint(tmp_path / 'latest.pth')['meta']['iter'] == 5
