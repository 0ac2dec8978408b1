import cv2
import numpy as np
import pytest

from mmseg.datasets.image_io import (
    UnreadableImageError,
    label_histogram,
    read_image,
    read_label,
)
from mmseg.utils.errors import UserError

from .layouts import label_ids, photograph, truncate, write_palette_png, write_png


def test_read_image__gives_what_was_written(tmp_path):
    image = photograph(0, 5, 7)
    np.testing.assert_array_equal(read_image(write_png(tmp_path / 'a.png', image)), image)


def test_read_label__palette_png_gives_indices_and_no_colours(tmp_path):
    ids = label_ids(0, 12, 9)
    np.testing.assert_array_equal(read_label(write_palette_png(tmp_path / 'a.png', ids)), ids)


def test_read_label__sixteen_bits_are_kept(tmp_path):
    label = photograph(0, 6, 4).astype(np.uint16) * 200
    np.testing.assert_array_equal(read_label(write_png(tmp_path / 'a.png', label)), label)


@pytest.mark.parametrize('suffix', ['png', 'jpg'])
def test_read_image__truncated_file_is_named(tmp_path, suffix):
    path = truncate(write_png(tmp_path / f'a.{suffix}', photograph(0, 64, 64)))
    if suffix == 'jpg':
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnreadableImageError, match=rf'a\.{suffix}.*truncated'):
        read_image(path)


def test_read_image__png_without_its_end_is_truncated(tmp_path):
    path = write_png(tmp_path / 'a.png', photograph(0, 8, 8))
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(UnreadableImageError, match='truncated'):
        read_image(path)


def test_read_image__missing_and_empty_files_are_told_apart(tmp_path):
    with pytest.raises(UserError, match='is gone') as gone:
        read_image(tmp_path / 'a.png')
    assert not isinstance(gone.value, UnreadableImageError)
    (tmp_path / 'b.png').touch()
    with pytest.raises(UnreadableImageError):
        read_image(tmp_path / 'b.png', cv2.IMREAD_COLOR)


def test_label_histogram__counts_a_window_like_numpy():
    label = label_ids(3, 20, 31)[3:17, 5:19]
    expected = np.bincount(label.ravel(), minlength=256)
    np.testing.assert_array_equal(label_histogram(label), expected)


def test_read_label__a_folder_in_its_place_is_unreadable(tmp_path):
    (tmp_path / 'a.png').mkdir()
    with pytest.raises(UnreadableImageError, match=r'a\.png: Is a directory'):
        read_label(tmp_path / 'a.png')
