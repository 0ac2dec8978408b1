import cv2
import numpy as np
import pytest

from mmseg.datasets.pipelines import CachedResize, Compose, resized_from
from mmseg.utils.errors import UserError
from tests.datasets.layouts import TRAIN_PIPELINE, label_ids, photograph, write_png

READING = TRAIN_PIPELINE[:3]


@pytest.fixture
def inputs(tmp_path):
    """What a pipeline starts from for one image of 50 by 80 pixels."""
    write_png(tmp_path / 'images/a/0.png', photograph(0, 50, 80))
    write_png(tmp_path / 'labels/a/0.png', label_ids(0, 50, 80) % 19)
    return {
        'img_info': {'filename': 'a/0.png'},
        'ann_info': {'seg_map': 'a/0.png'},
        'img_prefix': str(tmp_path / 'images'),
        'seg_prefix': str(tmp_path / 'labels'),
        'seg_fields': [],
        'num_classes': 19,
        'label_map': {},
    }


def fresh(inputs):
    return {**inputs, 'seg_fields': []}


def filled(steps, inputs, folder):
    """A cache that holds the image."""
    cache = CachedResize(Compose(steps), folder)
    cache.write(fresh(inputs))
    return cache


@pytest.mark.parametrize('num_steps', [2, 3])
def test_resized_from__gives_what_reading_and_resizing_gives(inputs, tmp_path, num_steps):
    steps = READING if num_steps == 3 else [READING[0], READING[2]]
    filled(steps, inputs, tmp_path / 'cache')
    expected = Compose(steps)(fresh(inputs))
    pipeline = resized_from(Compose(steps), tmp_path / 'cache')
    assert len(pipeline.transforms) == 1
    found = pipeline(fresh(inputs))
    np.testing.assert_equal(found, expected)
    assert found['img'].dtype == np.uint8 and found['img'].shape == (30, 48, 3)


def test_read__the_entry_itself_is_read(inputs, tmp_path, monkeypatch):
    cache = filled(READING, inputs, tmp_path)
    monkeypatch.setattr(cv2, 'imdecode', None)
    assert cache(fresh(inputs))['img'].shape == (30, 48, 3)


@pytest.mark.parametrize('kind', ['images', 'labels'])
def test_read__an_original_that_was_replaced_is_read_anew(inputs, tmp_path, kind):
    cache = filled(READING, inputs, tmp_path / 'cache')
    content = photograph(1, 50, 80) if kind == 'images' else np.full((50, 80), 5, np.uint8)
    write_png(tmp_path / kind / 'a/0.png', content)
    assert cache.read(fresh(inputs)) is None
    np.testing.assert_equal(cache(fresh(inputs)), Compose(READING)(fresh(inputs)))


def test_read__a_damaged_entry_is_none(inputs, tmp_path):
    cache = filled(READING, inputs, tmp_path)
    path = cache.path(inputs)
    path.write_bytes(path.read_bytes()[:700])
    assert cache.read(fresh(inputs)) is None


def test_path__tells_settings_apart(inputs, tmp_path):
    other = [*READING[:2], {**READING[2], 'keep_ratio': False}]
    renamed = {**inputs, 'label_map': {0: 1}}
    paths = {
        CachedResize(Compose(READING), tmp_path).path(inputs),
        CachedResize(Compose(READING), tmp_path).path(renamed),
        CachedResize(Compose(other), tmp_path).path(inputs),
        CachedResize(Compose([READING[0], READING[2]]), tmp_path).path(inputs),
    }
    assert len(paths) == 4


def test_num_bytes__is_the_size_of_the_file(inputs, tmp_path):
    cache = filled(READING, inputs, tmp_path)
    assert abs(cache.path(inputs).stat().st_size - cache.num_bytes((80, 50))) < 512


@pytest.mark.parametrize(
    'steps',
    [
        READING[:2],
        [{'type': 'LoadImageFromFile', 'to_float32': True}, *READING[1:]],
        [*READING[:2], {**READING[2], 'ratio_range': [0.5, 2.0]}],
        TRAIN_PIPELINE[3:],
    ],
)
def test_resized_from__a_pipeline_without_fixed_size_is_refused(steps, tmp_path):
    with pytest.raises(UserError, match='expected pipelines that begin with LoadImageFromFile'):
        resized_from(Compose(steps), tmp_path)


def test_resized_from__a_missing_folder_says_what_to_run(tmp_path):
    with pytest.raises(UserError, match=r'python tools/cache_resized\.py'):
        resized_from(Compose(READING), tmp_path / 'nowhere')


def test_path__another_ignored_label_has_entries_of_its_own(inputs, tmp_path):
    cache = filled(READING, {**inputs, 'ignore_index': 255}, tmp_path / 'cache')
    assert cache.path(inputs) == cache.path({**inputs, 'ignore_index': 255})
    paths = {cache.path({**inputs, 'ignore_index': ignored}) for ignored in (0, 5, 255)}
    assert len(paths) == 3
