import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.utils import decoding
from mmseg.utils.decoding import decode_image, png_kind

_IMAGE = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)


def _turned(path, image):
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
    'turned by EXIF': _turned,
}


def _png(tmp_path, kind):
    _KINDS_OF_PNG[kind](tmp_path / 'a.png', Image.fromarray(_IMAGE))
    return (tmp_path / 'a.png').read_bytes()


@pytest.mark.parametrize('flag', ['IMREAD_COLOR', 'IMREAD_GRAYSCALE', 'IMREAD_UNCHANGED'])
@pytest.mark.parametrize('kind', _KINDS_OF_PNG)
def test_decode_image__every_kind_of_png_gives_what_opencv_gives(tmp_path, kind, flag):
    data = _png(tmp_path, kind)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), getattr(cv2, flag))
    image = decode_image(data, getattr(cv2, flag))
    assert (image.dtype, image.flags['C_CONTIGUOUS']) == (expected.dtype, True)
    np.testing.assert_array_equal(image, expected)


@pytest.mark.skipif(decoding.decode_image_png_u8 is None, reason='kornia-rs is not installed')
@pytest.mark.parametrize('kind', ['RGB', 'grey'])
def test_decode_image__plain_png_needs_no_opencv(tmp_path, monkeypatch, kind):
    data = _png(tmp_path, kind)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    monkeypatch.setattr(cv2, 'imdecode', None)
    np.testing.assert_array_equal(decode_image(data, cv2.IMREAD_UNCHANGED), expected)


def test_decode_image__opencv_steps_in_where_the_quick_decoder_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, 'decode_image_png_u8', None)
    np.testing.assert_array_equal(decode_image(_png(tmp_path, 'RGB')), _IMAGE[..., ::-1])


@pytest.mark.parametrize('size', [(0, 5), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_decode_image__png_that_states_a_wrong_size_is_no_image(tmp_path, size):
    data = _png(tmp_path, 'RGB')
    header = b'IHDR' + struct.pack('>II', *size) + data[24:29]
    checksum = struct.pack('>I', zlib.crc32(header))
    assert decode_image(data[:12] + header + checksum + data[33:]) is None


def test_decode_image__a_flipped_bit_gives_what_opencv_makes_of_it(tmp_path):
    data = _png(tmp_path, 'RGB')
    for position in range(8, data.index(b'IEND') - 4):
        damaged = bytearray(data)
        damaged[position] ^= 4
        expected = cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR)
        image = decode_image(bytes(damaged))
        assert (image is None) == (expected is None), position
        np.testing.assert_array_equal(image, expected)


def test_png_kind__tells_depth_and_colour(tmp_path):
    kinds = {kind: tuple(png_kind(_png(tmp_path, kind))) for kind in _KINDS_OF_PNG}
    assert kinds == {
        'RGB': (8, 2),
        'grey': (8, 0),
        'RGBA': (8, 6),
        '16 bits': (16, 0),
        '1 bit': (1, 0),
        'palette': (8, 3),
        'one colour transparent': (8, 2),
        'one grey transparent': (8, 0),
        'turned by EXIF': (8, 2),
    }
    assert png_kind(b'') is None
