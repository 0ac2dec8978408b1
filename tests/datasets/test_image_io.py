import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.datasets import image_io
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


def _save_turned(path, image):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    image.save(path, exif=exif)


_KINDS_OF_PNG = {
    'RGB': lambda path, image: image.save(path),
    'grey': lambda path, image: image.convert('L').save(path),
    'RGBA': lambda path, image: image.convert('RGBA').save(path),
    '16 bits': lambda path, image: image.convert('I;16').save(path),
    '1 bit': lambda path, image: image.convert('1').save(path),
    'palette': lambda path, image: image.quantize(20).save(path),
    'one colour transparent': lambda path, image: image.save(path, transparency=(1, 2, 3)),
    'one grey transparent': lambda path, image: image.convert('L').save(path, transparency=7),
    'turned by EXIF': _save_turned,
}


@pytest.mark.parametrize('flag', ['IMREAD_COLOR', 'IMREAD_GRAYSCALE', 'IMREAD_UNCHANGED'])
@pytest.mark.parametrize('kind', _KINDS_OF_PNG)
def test_read_image__every_kind_of_png_reads_as_opencv_reads_it(tmp_path, kind, flag):
    _KINDS_OF_PNG[kind](tmp_path / 'a.png', Image.fromarray(photograph(0, 9, 14)))
    expected = cv2.imread(str(tmp_path / 'a.png'), getattr(cv2, flag))
    image = read_image(tmp_path / 'a.png', getattr(cv2, flag))
    assert (image.dtype, image.flags['C_CONTIGUOUS']) == (expected.dtype, True)
    np.testing.assert_array_equal(image, expected)


def test_read_image__reads_the_same_without_the_quick_decoder(tmp_path, monkeypatch):
    path = write_png(tmp_path / 'a.png', photograph(0, 9, 14))
    quick = read_image(path)
    monkeypatch.setattr(image_io, 'decode_image_png_u8', None)
    np.testing.assert_array_equal(read_image(path), quick)


@pytest.mark.skipif(image_io.decode_image_png_u8 is None, reason='kornia-rs is not installed')
@pytest.mark.parametrize('shape', [(9, 14, 3), (9, 14)])
def test_read_image__plain_png_needs_no_opencv(tmp_path, monkeypatch, shape):
    image = photograph(0, 9, 14).reshape(9, -1)[:, : np.prod(shape[1:])].reshape(shape)
    path = write_png(tmp_path / 'a.png', image)
    monkeypatch.setattr(cv2, 'imdecode', None)
    np.testing.assert_array_equal(read_image(path, cv2.IMREAD_UNCHANGED), image)


@pytest.mark.parametrize('size', [(0, 5), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_read_image__png_that_states_a_wrong_size_is_named(tmp_path, size):
    path = write_png(tmp_path / 'a.png', photograph(0, 9, 14))
    data = path.read_bytes()
    header = b'IHDR' + struct.pack('>II', *size) + data[24:29]
    path.write_bytes(data[:12] + header + struct.pack('>I', zlib.crc32(header)) + data[33:])
    with pytest.raises(UnreadableImageError, match=r'a\.png'):
        read_image(path)


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
