"""How long trainings may be."""

import pytest

from mmseg.own_data.pace import Pace, schedule
from mmseg.utils.errors import UserError

PACE = Pace(adaptation=0.6, source_only=0.3, start=10.0, score=0.25, predict=0.1)


def test_schedule__both_trainings_share_what_the_rest_leaves():
    found = schedule(20, PACE, num_target=100, num_labelled=0, spent=40)
    # A sixth of 1200 s shows 12 networks 66 images of 0.25 s; there are 40 at most.
    assert found.num_shown == 40
    # Starts, 13 looks at 40 images, predictions, files.
    assert found.others == pytest.approx(20 + 13 * 40 * 0.25 + 10 + 45)
    assert found.iterations == int((1200 - 40 - 205) * 0.95 / 0.9)
    assert found.training + found.others + 40 <= 1200


def test_schedule__short_runs_choose_by_fewer_images_and_labels_take_time():
    short = schedule(3, PACE, 100, 0)
    assert short.num_shown == int(180 / 6 / (12 * 0.25)) == 10
    assert schedule(20, PACE, 6, 0).num_shown == 6
    without, labelled = schedule(20, PACE, 100, 0), schedule(20, PACE, 100, 50)
    assert labelled.others - without.others == pytest.approx(5 * 50 * 0.1)


def test_schedule__too_little_time_says_how_much_is_needed():
    with pytest.raises(UserError, match=r'--minutes 1: .* give --minutes (\d+) at least') as told:
        schedule(1, PACE, 100, 0, spent=30)
    needed = int(str(told.value).split('--minutes ')[2].split()[0])
    assert schedule(needed, PACE, 100, 0, spent=30).iterations >= 20
