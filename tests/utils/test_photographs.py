import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.utils.errors import UserError
from mmseg.utils.photographs import decode_photograph

from .test_orientation import turned

# From black to the value of white, in as many steps as there are pixels.
_SHARES = np.linspace(0, 1, 5 * 6 * 3).reshape(5, 6, 3)


def _file(pixels, suffix='.png'):
    return cv2.imencode(suffix, pixels)[1].tobytes()


def _deep(white, suffix='.png', dtype=np.uint16):
    return _file(np.rint(_SHARES * white).astype(dtype), suffix)


@pytest.mark.parametrize('suffix', ['.png', '.tiff'])
@pytest.mark.parametrize(('bits', 'least'), [(9, 1023), (10, 1023), (12, 4095), (14, 16383)])
@pytest.mark.parametrize('flag', [cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE])
def test_few_bits_in_files_of_16__are_refused_with_the_setting(suffix, bits, least, flag):
    with pytest.raises(UserError, match=rf'a\.x holds .* up to {2**bits - 1} .*max_value={least}'):
        decode_photograph(_deep(2**bits - 1, suffix), 'a.x', flag)


@pytest.mark.parametrize('suffix', ['.png', '.tiff'])
@pytest.mark.parametrize('white', [255, 1023, 4095, 16383, 50000, 65535])
def test_white__becomes_255_and_shades_keep_their_share(suffix, white):
    picture = decode_photograph(_deep(white, suffix), 'a', max_value=white)
    assert picture.dtype == np.uint8
    np.testing.assert_allclose(picture, _SHARES * 255, atol=0.5 + 255 / white)


def test_white__is_the_same_for_a_dark_picture():
    dark = np.full((4, 5, 3), 1000, np.uint16)
    picture = decode_photograph(_file(dark), 'a', max_value=4095)
    assert np.unique(picture).tolist() == [round(1000 * 255 / 4095)]


@pytest.mark.parametrize('white', [20000, 65535])
def test_whole_16_bits__are_divided_by_256_as_ever(white):
    data = _deep(white)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_photograph(data, 'a'), expected)


def test_black_picture_of_16_bits__is_black():
    assert not decode_photograph(_file(np.zeros((4, 5, 3), np.uint16)), 'a').any()


def test_values_above_white__are_refused():
    with pytest.raises(UserError, match=r'from 0 to 4095, and .* max_value=1023'):
        decode_photograph(_deep(4095), 'a', max_value=1023)


@pytest.mark.parametrize(('dtype', 'white'), [(np.float32, 1.0), (np.int16, 4095)])
def test_other_numbers__need_a_white_too(dtype, white):
    data = _file((_SHARES * white).astype(dtype), '.tiff')
    with pytest.raises(UserError, match=rf'max_value={white:g}\) it seems'):
        decode_photograph(data, 'a')
    picture = decode_photograph(data, 'a', max_value=white)
    np.testing.assert_allclose(picture, _SHARES * 255, atol=1)


def test_negative_numbers__are_refused():
    data = _file((_SHARES * 200 - 100).astype(np.int16), '.tiff')
    with pytest.raises(UserError, match='from -100 to 100'):
        decode_photograph(data, 'a', max_value=255)


def test_8_bits__need_no_white():
    pixels = np.rint(_SHARES * 90).astype(np.uint8)
    for suffix in ('.png', '.tiff', '.bmp', '.ppm'):
        np.testing.assert_array_equal(decode_photograph(_file(pixels, suffix), 'a'), pixels)
        picture = decode_photograph(_file(pixels, suffix), 'a', max_value=4095)
        np.testing.assert_array_equal(picture, pixels)


def test_unchanged__keeps_depth_and_channels_but_is_upright_and_scaled_where_white_is_given():
    data = _deep(4095)
    raw = decode_photograph(data, 'a', cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(raw, np.rint(_SHARES * 4095))
    scaled = decode_photograph(data, 'a', cv2.IMREAD_UNCHANGED, 4095)
    np.testing.assert_allclose(scaled, _SHARES * 255, atol=1)
    for kind in ('JPEG', 'PNG', 'WEBP', 'TIFF'):
        lying = turned(kind, 6)
        np.testing.assert_array_equal(
            decode_photograph(lying, 'a', cv2.IMREAD_UNCHANGED), decode_photograph(lying, 'a')
        )


def _saved(image, kind, **settings):
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


@pytest.mark.parametrize('mode', ['RGBA', 'P', 'CMYK'])
def test_other_kinds_of_colours__become_three_channels(mode):
    image = Image.new('RGB', (6, 4), (255, 0, 0)).convert(mode)
    picture = decode_photograph(_saved(image, 'TIFF' if mode == 'CMYK' else 'PNG'), 'a')
    np.testing.assert_array_equal(picture, np.full((4, 6, 3), [0, 0, 255]))


@pytest.mark.parametrize(('mode', 'shade'), [('L', 76), ('LA', 76), ('1', 255)])
def test_grey__becomes_three_channels(mode, shade):
    image = Image.new('L', (6, 4), shade).convert(mode)
    picture = decode_photograph(_saved(image, 'PNG'), 'a')
    np.testing.assert_array_equal(picture, np.full((4, 6, 3), shade))


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_deep_pictures__become_three_channels(channels):
    deep = np.full((4, 5, channels), 2000, np.uint16)
    picture = decode_photograph(_file(deep), 'a', max_value=4000)
    assert picture.shape == (4, 5, 3) and (picture == 128).all()
    grey = decode_photograph(_file(deep), 'a', cv2.IMREAD_GRAYSCALE, 4000)
    assert grey.shape == (4, 5) and (grey == 128).all()


@pytest.mark.parametrize('kind', ['PNG', 'GIF', 'WEBP', 'TIFF'])
def test_several_frames_or_pages__give_the_first(kind):
    frames = [Image.new('RGB', (6, 4), (shade, shade, shade)) for shade in (10, 100, 200)]
    settings = {'lossless': True} if kind == 'WEBP' else {}
    data = _saved(frames[0], kind, save_all=True, append_images=frames[1:], **settings)
    assert np.unique(decode_photograph(data, 'a')).tolist() == [10]


def test_fit__is_for_people_and_takes_the_least_usual_white():
    picture = decode_photograph(_deep(4000), 'a', max_value='fit')
    np.testing.assert_allclose(picture, _SHARES * 4000 * 255 / 4095, atol=1)


def test_no_image__gives_none():
    assert decode_photograph(b'', 'a') is None
    assert decode_photograph(_deep(4095)[:-30], 'a', max_value=4095) is None
