import pytest
import torch

from mmseg.datasets.skipped import SkippedFiles
from mmseg.utils.errors import UserError


def test_skipped_files__a_share_ends_training_but_not_the_first_few(capsys):
    skipped = SkippedFiles('images', max_ratio=0.5)
    for _ in range(20):
        skipped.count_sample()
        skipped.report(UserError('a.png is cut off'))
    assert skipped.num_skipped == 20
    assert capsys.readouterr().out.count('a.png') == 1
    with pytest.raises(UserError, match=r'21 of 21 samples of images .*max_skipped_ratio=0\.5'):
        skipped.count_sample()
        skipped.report(UserError('b.png is cut off'))


def test_skipped_files__a_small_share_is_lived_with():
    skipped = SkippedFiles('images', max_ratio=0.05)
    for sample in range(2000):
        skipped.count_sample()
        if sample % 40 == 0:
            skipped.report(UserError('a.png is gone'))
    assert skipped.num_skipped == 50


def test_skipped_files__what_is_unnoticed_is_neither_counted_nor_reported(caplog):
    skipped = SkippedFiles('data', 1.0)
    skipped.count_sample()
    with skipped.unnoticed():
        skipped.count_sample()
        skipped.report(UserError('a.png is cut off'))
        assert skipped.num_skipped == 1
    assert skipped._counts.tolist() == [1, 0] and caplog.messages == []
    skipped.report(UserError('a.png is cut off'))
    assert skipped._reported == {'a.png is cut off'}


def test_skipped_files__are_counted_where_shared_memory_has_no_room(monkeypatch):
    def refuse(tensor):
        raise RuntimeError('unable to allocate shared memory(shm) for file </torch_1>')

    monkeypatch.setattr(torch.Tensor, 'share_memory_', refuse)
    skipped = SkippedFiles('data', 1.0)
    skipped.count_sample()
    assert skipped._counts.tolist() == [1, 0]
