"""Decoding photographs: shown upright, and of more than 8 bits only where white is known.

A sensor's 10, 12 or 14 bits come in files of 16. Divided by 256, as decoders do, they are nearly
black, and stretching each picture to its own brightest pixel would make brightness jump.
"""

from typing import Literal

import cv2
import numpy as np

from .decoding import decode_image, png_kind
from .errors import UserError
from .orientation import upright

_WHITES = (1, 255, 1023, 4095, 16383, 65535)
# A picture that stays below this in files of 16 bits is one of fewer bits.
_LEAST_OF_16_BITS = 1 << 14
# JPEG, WebP (and other RIFF), GIF, BMP: 8 bits a channel, always.
_STARTS_OF_8_BITS = (b'\xff\xd8', b'RIFF', b'GIF8', b'BM')


def decode_photograph(
    data: bytes,
    name: str,
    flag: int = cv2.IMREAD_COLOR,
    max_value: float | Literal['fit'] | None = None,
) -> np.ndarray | None:
    """Decode an image file; of several frames or pages, the first.

    Args:
        data: Its content.
        name: What messages call it.
        flag: OpenCV's reading flag. Transparency is dropped, grey and CMYK become BGR by
            `IMREAD_COLOR`; `IMREAD_UNCHANGED` keeps channels and depth.
        max_value: Value of white in files of more than 8 bits, which becomes 255; 'fit' for the
            least usual one that holds the picture, for pictures that only people look at. None
            takes 65535 for white.

    Returns:
        Pixels (H, W, 3) uint8 in BGR order for the default flag, upright as EXIF says; None for a
        file that is cut off or no image.

    Raises:
        UserError: A picture of more than 8 bits that white is not known of, or that exceeds it.
    """
    if flag != cv2.IMREAD_UNCHANGED and not may_be_deep(data):
        return decode_image(data, flag)
    stored = decode_image(data, cv2.IMREAD_UNCHANGED)
    if stored is None:
        return None
    is_unchanged = flag == cv2.IMREAD_UNCHANGED
    is_scaled = stored.dtype != np.uint8 and not (is_unchanged and max_value is None)
    if is_scaled and max_value is None and stored.dtype == np.uint16:
        fills_16_bits = stored.max() >= _LEAST_OF_16_BITS or not stored.any()
        if fills_16_bits:
            return decode_image(data, flag)
    if is_scaled:
        stored = _to_bytes(stored, name, max_value)
    elif not is_unchanged and stored.shape[2:] != (3,):
        return decode_image(data, flag)
    stored = upright(stored, data)
    return stored if is_unchanged else _to_channels(stored, flag)


def may_be_deep(data: bytes) -> bool:
    """Whether an image file may hold more than 8 bits, as its first bytes say."""
    kind = png_kind(data)
    return not data.startswith(_STARTS_OF_8_BITS) if kind is None else kind.depth > 8


def _to_bytes(
    stored: np.ndarray, name: str, max_value: float | Literal['fit'] | None
) -> np.ndarray:
    low, peak = stored.min().item(), stored.max().item()
    white = next((white for white in _WHITES if peak <= white), peak)
    if max_value == 'fit':
        max_value, low = white, 0
    if max_value is None:
        raise UserError(
            f'{name} holds values up to {peak:g} as {stored.dtype}, nearly black where 65535 is '
            f'white: say which value is white, LoadImageFromFile(max_value={white}) it seems, or '
            'max_value=65535 to take it as it is'
        )
    if not (low >= 0 and peak <= max_value):
        raise UserError(
            f'{name} holds values from {low:g} to {peak:g}, and LoadImageFromFile has '
            f'max_value={max_value:g}: set it to the value of white in these files'
        )
    return np.rint(np.maximum(stored, 0) * (255 / max_value)).astype(np.uint8)


def _to_channels(picture: np.ndarray, flag: int) -> np.ndarray:
    num_channels = 1 if picture.ndim == 2 else picture.shape[2]
    if flag == cv2.IMREAD_GRAYSCALE:
        return (
            cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2GRAY)
            if num_channels >= 3
            else picture.reshape(*picture.shape[:2], -1)[..., 0]
        )
    if num_channels >= 3:
        return np.ascontiguousarray(picture[..., :3])
    return np.repeat(picture.reshape(*picture.shape[:2], -1)[..., :1], 3, axis=2)
