import json

import pytest

from mmseg.core.windows import training_crop, window_slices, window_starts, with_windows
from tests.golden import FOLDER

PUBLISHED = json.loads((FOLDER / 'hrda_boxes.json').read_text())['slide_windows']

TRAIN = {
    'source': {'pipeline': [{'type': 'Resize'}, {'type': 'RandomCrop', 'crop_size': [32, 48]}]}
}


@pytest.mark.parametrize(
    ('cfg', 'crop'),
    [
        ({'data': {'train': TRAIN}}, (32, 48)),
        ({'data': {'train': [TRAIN, {}]}}, (32, 48)),
        ({'data': {'train': {'type': 'RandomCrop', 'crop_size': 40}}}, (40, 40)),
        ({'data': {'train': TRAIN}, 'crop_size': [5, 7]}, (5, 7)),
        ({'data': {'train': {'pipeline': [{'type': 'Resize'}]}}}, None),
        ({'data': {}}, None),
        ({'crop_size': 'large'}, None),
        ({'crop_size': (0.5, 0.5)}, None),
        ({}, None),
    ],
)
def test_training_crop__is_that_of_the_first_random_crop(cfg, crop):
    assert training_crop(cfg) == crop


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (None, {'mode': 'whole', 'crop_size': (32, 48), 'stride': (21, 32)}),
        ({'mode': 'slide'}, {'mode': 'slide', 'crop_size': (32, 48), 'stride': (21, 32)}),
        (
            {'mode': 'slide', 'crop_size': (30, 30)},
            {'mode': 'slide', 'crop_size': (30, 30), 'stride': (20, 20)},
        ),
        (
            {'mode': 'slide', 'crop_size': 30, 'stride': 30, 'batched_slide': True},
            {'mode': 'slide', 'crop_size': 30, 'stride': 30, 'batched_slide': True},
        ),
        (
            {'mode': 'slide', 'crop_size': None, 'stride': None},
            {'mode': 'slide', 'crop_size': (32, 48), 'stride': (21, 32)},
        ),
    ],
)
def test_with_windows__what_is_left_out_follows_the_training_crop(given, expected):
    assert with_windows(given, (32, 48)) == expected


def test_with_windows__where_no_crop_is_known_nothing_is_made_up():
    assert with_windows({'mode': 'slide'}, None) == {'mode': 'slide'}
    assert with_windows(None, None) == {'mode': 'whole'}


@pytest.mark.parametrize('crop', ['big', (8,), (8, 8, 8), 0])
def test_with_windows__a_window_that_is_none_is_left_for_the_network_to_refuse(crop):
    completed = with_windows({'mode': 'slide', 'crop_size': crop}, (32, 48))
    assert completed['crop_size'] == crop


def test_window_starts__cover_the_length_and_stay_inside():
    for length in range(1, 40):
        starts = window_starts(length, 8, 5)
        covered = {i for start in starts for i in range(start, min(start + 8, length))}
        assert covered == set(range(length))
        assert starts[-1] == max(length - 8, 0)
        assert len(set(starts)) == len(starts)


def test_window_slices__are_the_published_windows_row_by_row():
    for case in PUBLISHED:
        stride = [side // 2 if case['overlapping'] else side for side in case['crop']]
        rows, columns = window_slices(case['image'], case['crop'], stride)
        boxes = [[row.start, row.stop, col.start, col.stop] for row in rows for col in columns]
        assert boxes == case['boxes'], case['image']
    assert len({tuple(case['image']) for case in PUBLISHED}) > 1


@pytest.mark.parametrize(('size', 'count'), [((1024, 2048), 3), ((1080, 1920), 6)])
def test_window_slices__are_as_many_as_published(size, count):
    rows, columns = window_slices(size, (1024, 1024), (512, 512))
    assert len(rows) * len(columns) == count


@pytest.mark.parametrize('size', [(5, 40), (5, 7), (8, 8)])
def test_window_slices__a_side_below_the_window_is_one_window_of_its_length(size):
    rows, columns = window_slices(size, (8, 8), (5, 5))
    assert rows == [slice(0, size[0])]
    assert columns[0] == slice(0, min(size[1], 8))
