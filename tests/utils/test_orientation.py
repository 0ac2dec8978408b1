import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.utils.orientation import shown_size, upright

from .png_files import chunk

_STORED = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
# What the EXIF standard says of each orientation, by NumPy.
_SHOWN = {
    1: _STORED,
    2: _STORED[:, ::-1],
    3: _STORED[::-1, ::-1],
    4: _STORED[::-1],
    5: _STORED.transpose(1, 0, 2),
    6: np.rot90(_STORED, -1),
    7: _STORED[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(_STORED),
}


def turned(kind, orientation, late=False):
    """Return a file of `_STORED` that says how it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    settings = {'tiffinfo': {274: orientation}} if kind == 'TIFF' else {'exif': exif.tobytes()}
    settings |= {'lossless': True} if kind == 'WEBP' else {}
    file = io.BytesIO()
    Image.fromarray(_STORED).save(file, kind, **({} if late else settings))
    data = file.getvalue()
    if late:
        end = len(data) - 12
        tags = exif.tobytes().removeprefix(b'Exif\0\0')
        data = data[:end] + chunk(b'eXIf', tags) + data[end:]
    return data


_FILES = {
    'PNG': lambda orientation: turned('PNG', orientation),
    'PNG, tag after the pixels': lambda orientation: turned('PNG', orientation, late=True),
    'WebP': lambda orientation: turned('WEBP', orientation),
    'TIFF': lambda orientation: turned('TIFF', orientation),
}


def _decode(data, flag):
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)[..., ::-1]


@pytest.mark.parametrize('orientation', _SHOWN)
@pytest.mark.parametrize('kind', _FILES)
def test_upright__is_what_the_standard_says_and_colour_decoders_do(kind, orientation):
    data = _FILES[kind](orientation)
    shown = _SHOWN[orientation]
    stored = _decode(data, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(upright(stored, data), shown)
    np.testing.assert_array_equal(_decode(data, cv2.IMREAD_COLOR), shown)
    assert shown_size(io.BytesIO(data)) == shown.shape[1::-1]


@pytest.mark.parametrize('orientation', _SHOWN)
def test_jpeg__is_turned_like_the_others(orientation):
    data = turned('JPEG', orientation)
    stored, shown = _decode(data, cv2.IMREAD_UNCHANGED), _decode(data, cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(upright(stored, data), shown)
    assert shown_size(io.BytesIO(data)) == _SHOWN[orientation].shape[1::-1] == shown.shape[1::-1]


@pytest.mark.parametrize('orientation', [0, 9, 77])
def test_orientations_that_are_none__turn_nothing(orientation):
    data = turned('JPEG', orientation)
    assert shown_size(io.BytesIO(data)) == (9, 6)
    assert upright(_STORED, data) is _STORED


def test_files_that_pillow_does_not_know__are_as_they_are():
    assert upright(_STORED, b'no image') is _STORED
    with pytest.raises(OSError):
        shown_size(io.BytesIO(b'no image'))
