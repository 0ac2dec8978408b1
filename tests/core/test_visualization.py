import cv2
import numpy as np
import pytest

from mmseg.core import visualization as vis
from mmseg.utils.errors import UserError

PALETTE = [[10, 20, 30], [200, 100, 0]]


@pytest.mark.parametrize(('num_bands', 'shown'), [(1, [0, 0, 0]), (2, [0, 0, 0]), (4, [0, 1, 2])])
@pytest.mark.parametrize('to_rgb', [True, False])
def test_denormalize__of_other_than_three_bands_some_are_shown(num_bands, shown, to_rgb):
    image = np.random.default_rng(0).random((num_bands, 4, 6))
    picture = vis.denormalize(image, [100.0] * num_bands, [50.0] * num_bands, to_rgb)
    expected = (image * 50 + 100).round().astype(np.uint8)[shown if to_rgb else shown[::-1]]
    np.testing.assert_array_equal(picture, expected.transpose(1, 2, 0))


def test_coloured__classes_get_their_colours_and_the_rest_is_black():
    labels = np.array([[0, 1, 255], [1, 2, -1]])
    expected = [[PALETTE[0], PALETTE[1], [0] * 3], [PALETTE[1], [0] * 3, [0] * 3]]
    np.testing.assert_array_equal(vis.coloured(labels, PALETTE), expected)


def test_overlay__mixes_by_opacity_and_leaves_ignored_pixels_alone():
    image = np.full((1, 2, 3), 100, np.uint8)
    picture = vis.overlay(image, np.array([[1, 255]]), PALETTE, opacity=0.25)
    np.testing.assert_array_equal(picture, [[[125, 100, 75], [100, 100, 100]]])


@pytest.mark.parametrize('to_rgb', [True, False])
def test_denormalize__undoes_the_normalisation(to_rgb):
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    channels = picture if to_rgb else picture[..., ::-1]
    normalised = ((channels - mean) / std).transpose(2, 0, 1).astype(np.float32)
    np.testing.assert_array_equal(vis.denormalize(normalised, mean, std, to_rgb), picture)


def test_grid__holds_pictures_of_any_size_where_they_belong():
    one, two = np.full((3, 5, 3), 1, np.uint8), np.full((2, 4, 3), 2, np.uint8)
    sheet = vis.grid([[one, two], [two]], gap=1)
    assert sheet.shape == (3 + 2 + 3, 5 + 4 + 3, 3)
    assert (sheet[1:4, 1:6] == 1).all() and (sheet[1:3, 7:11] == 2).all()
    assert (sheet[5:7, 1:5] == 2).all()
    assert (sheet == 255).all(-1).sum() == sheet[..., 0].size - 15 - 8 - 8


def test_captioned__writes_above_the_picture():
    picture = np.full((6, 90, 3), 7, np.uint8)
    result = vis.captioned(picture, 'source')
    np.testing.assert_array_equal(result[-6:], picture)
    assert (result[:-6] > 200).any()


def test_legend__every_class_has_its_box_and_wraps_in_narrow_sheets():
    names = ['road', 'a long name']
    for width, height in ((400, 18), (60, 36)):
        sheet = vis.legend(names, PALETTE, width)
        assert sheet.shape[0] == height
        for colour in PALETTE:
            assert (sheet == colour).all(-1).sum() == 12 * 12


def test_bar_chart__fills_in_proportion_to_the_quota():
    chart = vis.bar_chart([0, 5], [10, 10], PALETTE, (103, 40))
    filled = (chart == PALETTE[1]).all(-1)
    assert not (chart == PALETTE[0]).all(-1)[:-1].any()
    assert 45 <= filled.any(1).sum() <= 52


def test_pictures__written_and_read_back_the_same(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    vis.save_picture(picture, tmp_path / 'a' / 'x.png')
    np.testing.assert_array_equal(vis.load_picture(tmp_path / 'a' / 'x.png'), picture)
    labels = picture[..., 0]
    vis.save_picture(labels, tmp_path / 'y.png')
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'y.png'), -1), labels)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a', 'y.png']


@pytest.mark.parametrize('content', [None, b'', b'no image'])
def test_load_picture__what_is_no_image_is_named(tmp_path, content):
    path = tmp_path / 'x.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r'x\.png'):
        vis.load_picture(path)
