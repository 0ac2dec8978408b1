"""Which way up a picture is: the EXIF tag by which cameras say how to turn what they stored."""

import io
import os
import struct
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

_TAG = 0x0112
_UPRIGHT = 1
_LYING = (5, 6, 7, 8)  # width and height change places
# Orientation → flip of the stored picture or None, then a turn or None.
_STEPS = {
    2: (1, None),
    3: (None, cv2.ROTATE_180),
    4: (0, None),
    5: (0, cv2.ROTATE_90_CLOCKWISE),
    6: (None, cv2.ROTATE_90_CLOCKWISE),
    7: (1, cv2.ROTATE_90_CLOCKWISE),
    8: (None, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
_PNG_CHUNK = struct.Struct('>I4s')
_PNG_CHECKSUM_BYTES = 4


def shown_size(file: BinaryIO) -> tuple[int, int]:
    """Return the width and height of a picture as it is shown, from its header alone.

    Args:
        file: An image file.

    Raises:
        OSError, ValueError, SyntaxError: Pillow cannot read the header.
    """
    with Image.open(file) as image:
        width, height = image.size  # of a TIFF, turned already
        is_lying = _orientation(image, file) in _LYING
    return (height, width) if is_lying else (width, height)


def upright(picture: np.ndarray, data: bytes) -> np.ndarray:
    """Turn a picture that was decoded as it is stored, as OpenCV does for colours.

    Args:
        picture: Pixels (H, W) or (H, W, channels).
        data: The file that they come from.

    Returns:
        The picture as it is shown.
    """
    file = io.BytesIO(data)
    try:
        with Image.open(file) as image:
            flip, turn = _STEPS.get(_orientation(image, file), (None, None))
    except (OSError, ValueError, SyntaxError):
        return picture  # a format without such a tag
    picture = picture if flip is None else cv2.flip(picture, flip)
    return picture if turn is None else cv2.rotate(picture, turn)


def _orientation(image: Image.Image, file: BinaryIO) -> int:
    """Read the tag that OpenCV obeys: in EXIF, not in XMP, where Pillow would look too."""
    if image.format == 'TIFF':  # OpenCV and Pillow turn these while they decode
        return _UPRIGHT
    exif = Image.Exif()
    exif.load(_png_exif(file) if image.format == 'PNG' else image.info.get('exif', b''))
    return exif.get(_TAG, _UPRIGHT)


def _png_exif(file: BinaryIO) -> bytes:
    """Find the chunk, which may follow the pixels, where Pillow does not look."""
    file.seek(8)
    while len(start := file.read(_PNG_CHUNK.size)) == _PNG_CHUNK.size:
        length, kind = _PNG_CHUNK.unpack(start)
        if kind == b'eXIf':
            return file.read(length)
        file.seek(length + _PNG_CHECKSUM_BYTES, os.SEEK_CUR)
    return b''
