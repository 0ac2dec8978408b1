import pytest

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
