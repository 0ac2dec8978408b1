import os

import pytest
import torch
from torch import nn

from mmseg.core.checkpoint import save_checkpoint
from mmseg.core.checkpoint_reading import (
    DamagedCheckpointError,
    check_sums,
    read_checkpoint,
    saved_checkpoints,
)
from mmseg.utils.errors import UserError


class NeedsCode:
    """A class that only this file knows."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NeedsCode)


@pytest.fixture
def refused(tmp_path):
    torch.save({'state_dict': {}, 'extra': NeedsCode()}, tmp_path / 'x.pth')
    return tmp_path / 'x.pth'


def test_read_checkpoint__says_what_a_file_asked_for_and_the_way_on(refused):
    with pytest.raises(UserError, match=r'asks for .*\.NeedsCode.*--trust-checkpoint') as caught:
        read_checkpoint(refused)
    assert not isinstance(caught.value, DamagedCheckpointError)


def test_read_checkpoint__a_trusted_file_may_hold_anything(refused):
    assert read_checkpoint(refused, trust=True)['extra'] == NeedsCode()


@pytest.mark.parametrize('trust', [False, True])
def test_read_checkpoint__damage_is_not_taken_for_a_refusal(tmp_path, trust):
    save_checkpoint(nn.Linear(3, 3), tmp_path / 'x.pth')
    whole = (tmp_path / 'x.pth').read_bytes()
    for content in (b'', b'hello', whole[:100], whole[:-100]):
        (tmp_path / 'x.pth').write_bytes(content)
        with pytest.raises(DamagedCheckpointError, match=r'x\.pth is damaged'):
            read_checkpoint(tmp_path / 'x.pth', trust)


def test_check_sums__every_flipped_bit_of_a_weight_is_seen(tmp_path):
    layer = nn.Linear(30, 30)
    save_checkpoint(layer, tmp_path / 'x.pth')
    check_sums(tmp_path / 'x.pth')
    whole = (tmp_path / 'x.pth').read_bytes()
    start = whole.index(layer.weight.detach().numpy().tobytes())
    for place in range(start, start + 3000, 500):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / 'x.pth').write_bytes(damaged)
        with pytest.raises(DamagedCheckpointError):
            check_sums(tmp_path / 'x.pth')


def test_saved_checkpoints__what_was_written_last_comes_first(tmp_path):
    ages = {'iter_10.pth': 1, 'iter_8.pth': 2, 'best_mIoU_iter_9.pth': 3, 'iter_7.pth': 2}
    for name, seconds in ages.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (seconds, seconds))
    for other in ('published-1234.pth', '.iter_3.7.tmp.pth', 'iter_4.pth.txt'):
        (tmp_path / other).touch()
    (tmp_path / 'latest.pth').symlink_to('iter_8.pth')
    names = [path.name for path in saved_checkpoints(tmp_path)]
    assert names == ['best_mIoU_iter_9.pth', 'iter_8.pth', 'iter_7.pth', 'iter_10.pth']
