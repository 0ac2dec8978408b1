import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.utils.label_decoding import decode_label

from .png_files import GREY, GREY_ALPHA, PALETTE, chunk, png


def _numbers(depth, height=7, width=11):
    return np.arange(height * width).reshape(height, width) * 7 % (1 << depth)


def _encoded(image, kind, **settings):
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


@pytest.mark.parametrize('depth', [1, 2, 4, 8, 16])
@pytest.mark.parametrize('transparent', [b'', chunk(b'tRNS', b'\0\1')], ids=['', 'transparent'])
def test_grey_png__gives_what_is_stored(depth, transparent):
    numbers = _numbers(depth)
    np.testing.assert_array_equal(decode_label(png(numbers, depth, GREY, transparent)), numbers)


@pytest.mark.parametrize('depth', [1, 2, 4, 8])
@pytest.mark.parametrize('transparent', [b'', chunk(b'tRNS', b'\0\1')], ids=['', 'transparent'])
def test_palette_png__gives_indices(depth, transparent):
    numbers = _numbers(depth)
    np.testing.assert_array_equal(decode_label(png(numbers, depth, PALETTE, transparent)), numbers)


@pytest.mark.parametrize('depth', [8, 16])
def test_grey_png_with_alpha__gives_the_grey(depth):
    numbers = _numbers(depth)
    pixels = np.stack([numbers, np.full_like(numbers, 1)], axis=2)
    np.testing.assert_array_equal(decode_label(png(pixels, depth, GREY_ALPHA)), numbers)


def _interlaced(numbers, bits):
    # Adam7 of a picture of one pixel by one: its first pass is the picture.
    plain = bytearray(png(numbers, bits))
    plain[28] = 1
    plain[12:33] = chunk(b'IHDR', bytes(plain[16:29]))[4:]
    return bytes(plain)


@pytest.mark.parametrize('depth', [1, 2, 4, 16])
def test_interlaced_png__gives_what_is_stored(depth):
    label = decode_label(_interlaced(np.array([[1]]), depth))
    np.testing.assert_array_equal(label, [[1]])


def test_colours__stay_in_their_channels():
    colours = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    data = cv2.imencode('.png', colours)[1].tobytes()
    np.testing.assert_array_equal(decode_label(data), colours)


@pytest.mark.parametrize('kind', ['PNG', 'BMP', 'TIFF', 'GIF'])
def test_masks_of_one_bit__give_0_and_1(kind):
    mask = _numbers(1).astype(bool)
    label = decode_label(_encoded(Image.fromarray(mask), kind))
    np.testing.assert_array_equal(label > 0, mask)
    assert label.max() == (255 if kind == 'GIF' else 1)  # Pillow writes GIFs of 0 and 255


@pytest.mark.parametrize('kind', ['PNG', 'BMP', 'TIFF', 'GIF'])
@pytest.mark.parametrize('num_colours', [2, 4, 16, 256])
def test_indices__come_from_every_format_with_a_table(kind, num_colours):
    numbers = _numbers(8) % num_colours
    numbers.flat[:num_colours] = np.arange(num_colours)[: numbers.size]
    image = Image.fromarray(numbers.astype(np.uint8))
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    settings = {'optimize': False} if kind == 'GIF' else {}
    np.testing.assert_array_equal(decode_label(_encoded(image, kind, **settings)), numbers)


@pytest.mark.parametrize('kind', ['PNG', 'BMP', 'TIFF'])
def test_bytes_of_grey__come_from_every_format(kind):
    numbers = _numbers(8).astype(np.uint8)
    np.testing.assert_array_equal(decode_label(_encoded(Image.fromarray(numbers), kind)), numbers)


@pytest.mark.parametrize('bits', [2, 4])
def test_tiff_of_few_bits__gives_what_is_stored(bits):
    numbers = _numbers(bits, 4, 8)
    packed = int(''.join(f'{n:0{bits}b}' for n in numbers.ravel()), 2).to_bytes(4 * bits, 'big')
    data = _encoded(Image.frombytes('L', (8, 4), bytes(32)), 'TIFF', tiffinfo={})
    with Image.open(io.BytesIO(data)) as image:
        (offset,) = image.tag_v2[273]
    data = data[:offset] + packed + data[offset + len(packed) :]
    data = _with_bits(data, bits)
    np.testing.assert_array_equal(decode_label(data), numbers)


def _with_bits(data, bits):
    """Set the entry of a little-endian TIFF that says how many bits a pixel has."""
    place = data.index(b'\x02\x01\x03\x00\x01\x00\x00\x00')
    return data[: place + 8] + bytes([bits, 0]) + data[place + 10 :]


def test_no_image__gives_none():
    assert decode_label(b'') is None and decode_label(b'no image') is None
    assert decode_label(png(_numbers(2), 2)[:-20]) is None
