"""What a few labels buy, from what runs left behind."""

import cv2
import pytest

from mmseg.experiments.label_curve import (
    ADAPTED,
    ALONE,
    DRAWN,
    SUGGESTED,
    curve_table,
    draw_curve,
    label_curve,
)
from mmseg.experiments.photographs import runs_with_target_labels
from mmseg.utils.errors import UserError


def entries():
    """Return an entry of each run of the experiment, mIoU counted up from 10."""
    runs = runs_with_target_labels('camvid_day', 'camvid_dusk', things=[11])
    return [{'name': run.name, 'mIoU': 10.0 + index} for index, run in enumerate(runs)]


def test_label_curve__sorts_runs_by_their_labels():
    curve = label_curve(entries())
    assert curve['0', DRAWN, ADAPTED] == curve['0', SUGGESTED, ADAPTED] == [10, 11, 12]
    assert curve['4', DRAWN, ADAPTED] == [13, 14, 15]
    assert curve['16', SUGGESTED, ADAPTED] == [22, 23, 24]
    assert curve['all', DRAWN, ALONE] == curve['all', SUGGESTED, ALONE] == [40, 41, 42]
    assert len(curve) == 2 * 4 + 2 * 3


def test_curve_table__a_line_for_each_choice_of_labels():
    assert curve_table(label_curve(entries())).splitlines()[2:] == [
        '| 0 | 11.0 ± 1.0 |  |',
        '| 4, drawn | 14.0 ± 1.0 | 29.0 ± 1.0 |',
        '| 4, suggested | 17.0 ± 1.0 | 32.0 ± 1.0 |',
        '| 16, drawn | 20.0 ± 1.0 | 35.0 ± 1.0 |',
        '| 16, suggested | 23.0 ± 1.0 | 38.0 ± 1.0 |',
        '| all | 26.0 ± 1.0 | 41.0 ± 1.0 |',
    ]


def test_curve_table__one_seed_has_no_spread():
    assert '| 0 | 10.0 |  |' in curve_table(label_curve(entries()[::3]))


def test_label_curve__runs_without_labels_make_none():
    with pytest.raises(UserError, match='none of these runs learnt from labels of the target'):
        label_curve(entries()[:3])


def test_draw_curve__is_a_picture(tmp_path):
    draw_curve(label_curve(entries()), tmp_path / 'curve.png')
    picture = cv2.imread(str(tmp_path / 'curve.png'))
    assert picture.shape[1] > picture.shape[0] > 300 and picture.std() > 5
