import json

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.datasets.class_mapping import ClassMapping, suggest_min_pixels
from mmseg.utils.errors import UserError

COLOURS = {
    'road': {'labels': [[128, 64, 128], [250, 170, 160]]},
    'plant': {'labels': [[0, 0, 9]], 'color': [0, 160, 0]},
}
IDS = {'road': {'labels': [7, 300]}, 'plant': {'labels': [0]}}


def mapping(folder, classes, **more):
    path = folder / 'mapping.json'
    path.write_text(json.dumps({'classes': classes, **more}))
    return ClassMapping.from_file(path)


def write_colours(path, colours):
    Image.fromarray(np.array([colours], np.uint8)).save(path)


def test_read__colours_in_any_kind_of_png(tmp_path):
    own = mapping(tmp_path, COLOURS)
    colours = [(128, 64, 128), (0, 0, 9), (1, 2, 3), (250, 170, 160), (255, 255, 255)]
    expected = [[0, 1, 255, 0, 255]]
    path = tmp_path / 'x.png'
    for kind in ('RGB', 'RGBA', 'P'):
        image = Image.fromarray(np.array([colours], np.uint8)).convert(kind, palette=1, colors=16)
        image.save(path)
        assert own.read(path).tolist() == expected, kind
        assert own.read(path).dtype == np.uint8


def test_read__ids_of_one_and_two_bytes(tmp_path):
    own = mapping(tmp_path, IDS)
    path = tmp_path / 'x.png'
    for dtype, ids, expected in (
        (np.uint8, [7, 0, 8], [0, 1, 255]),
        (np.uint16, [300, 0, 299], [0, 1, 255]),
    ):
        cv2.imwrite(str(path), np.array([ids], dtype))
        assert own.read(path).tolist() == [expected]


def test_read__ids_where_there_are_colours(tmp_path):
    write_colours(tmp_path / 'x.png', [(1, 2, 3)])
    with pytest.raises(UserError, match=r'3 channels where the mapping lists ids'):
        mapping(tmp_path, IDS).read(tmp_path / 'x.png')


def test_read__a_broken_file(tmp_path):
    (tmp_path / 'x.png').write_bytes(b'no picture')
    with pytest.raises(UserError, match=r'cannot read the label .*x\.png'):
        mapping(tmp_path, COLOURS).read(tmp_path / 'x.png')


def test_unlisted__shares_the_largest_first(tmp_path):
    own = mapping(tmp_path, COLOURS)
    write_colours(tmp_path / 'x.png', [(1, 2, 3), (1, 2, 3), (0, 0, 9), (5, 5, 5)])
    assert own.unlisted([tmp_path / 'x.png']) == {'[1, 2, 3]': 0.5, '[5, 5, 5]': 0.25}


def test_palette__a_colour_of_ones_own_or_a_well_spread_one(tmp_path):
    road, plant = mapping(tmp_path, COLOURS).palette
    assert plant == (0, 160, 0) and len(road) == 3 and road != plant


def test_find_labels__each_with_its_image(tmp_path):
    own = mapping(
        tmp_path, IDS, images='photos', image_suffix='.jpg', labels='gt', label_suffix='_mask.png'
    )
    (tmp_path / 'gt/day').mkdir(parents=True)
    for name in ('a_mask.png', 'a_labelTrainIds.png', 'b.png'):
        (tmp_path / 'gt/day' / name).touch()
    (found,) = own.find_labels(tmp_path)
    assert found.original == tmp_path / 'gt/day/a_mask.png'
    assert found.converted == tmp_path / 'gt/day/a_labelTrainIds.png'
    assert found.image == tmp_path / 'photos/day/a.jpg'
    with pytest.raises(UserError, match=r'no label file named \*_x\.png'):
        mapping(tmp_path, IDS, labels='gt', label_suffix='_x.png').find_labels(tmp_path)


@pytest.mark.parametrize(
    ('content', 'error'),
    [
        ({'classes': IDS, 'lables': 'x'}, "unknown key 'lables'; did you mean 'labels'"),
        ({'classes': IDS, 'labels': 5}, 'labels: expected a text, got 5'),
        ({}, 'classes: expected 2 to 255 names'),
        ({'classes': {'road': {'labels': [1]}}}, 'classes: expected 2 to 255 names'),
        ({'classes': {**IDS, 'sky': {'labels': []}}}, "class 'sky': expected"),
        ({'classes': {**IDS, 'sky': {'labels': [9], 'colour': 1}}}, "class 'sky': expected"),
        ({'classes': {**IDS, 'sky': {'labels': [7]}}}, "class 'sky': another class lists 7 too"),
        ({'classes': {**IDS, 'sky': {'labels': [-1]}}}, "class 'sky': expected ids or"),
        ({'classes': {**IDS, 'sky': {'labels': [[1, 2]]}}}, 'expected a colour'),
        ({'classes': {**IDS, 'sky': {'labels': [[1, 2, 3]]}}}, 'expected ids in all classes'),
        ({'classes': COLOURS, 'label_suffix': '.jpg'}, 'blur colours at edges'),
    ],
)
def test_from_file__mistakes_are_named_with_the_file(tmp_path, content, error):
    (tmp_path / 'm.json').write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'm\.json: .*' + error.replace('[', r'\[')):
        ClassMapping.from_file(tmp_path / 'm.json')


def test_from_file__no_json(tmp_path):
    (tmp_path / 'm.json').write_text('{"classes": \n oops}')
    with pytest.raises(UserError, match=r'm\.json, line 2: not JSON'):
        ClassMapping.from_file(tmp_path / 'm.json')
    with pytest.raises(UserError, match='no mapping file'):
        ClassMapping.from_file(tmp_path / 'absent.json')


def test_suggest_min_pixels__the_published_share_of_an_image():
    gta = 1914 * 1052
    assert suggest_min_pixels([{'0': gta - 5, '1': 5, 'file': 'x'}]) == 3000
    assert suggest_min_pixels([{'0': gta // 100}] * 3) == 30
    assert suggest_min_pixels([{'0': 4}]) == 1
