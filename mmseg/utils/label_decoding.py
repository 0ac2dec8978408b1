"""Decoding label maps as the numbers that stand in the file, whatever its depth or colour table.

Decoders of pictures stretch 1, 2 and 4 bits of grey to 0-255 and turn palette indices into colours.
"""

import io

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from .decoding import PNG_GREY, PNG_GREY_ALPHA, PNG_PALETTE, decode_image, png_kind

# Pillow's modes of palette indices, one bit, and grey.
_INDEXED = ('P', '1')
_TABLES = ('BMP', 'GIF')  # formats in which grey stands behind a colour table too
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_BLACK_IS_ZERO = 258, 262, 1


def decode_label(data: bytes) -> np.ndarray | None:
    """Decode a label map; EXIF does not turn it.

    Args:
        data: Content of an image file.

    Returns:
        Numbers (H, W), or (H, W, channels) in BGR order for colours, in the file's depth: 0 to
        2^k - 1 for k bits of grey or of palette indices. None for a file that is cut off or no
        image.

    Raises:
        OSError, ValueError, SyntaxError: The file is damaged.
    """
    kind = png_kind(data)
    label = decode_image(data, cv2.IMREAD_UNCHANGED)
    if kind is None:
        return _indices(data, label)
    if label is None or kind.colour not in (PNG_GREY, PNG_GREY_ALPHA, PNG_PALETTE):
        return label
    if kind.colour == PNG_PALETTE:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image)
    grey = label if label.ndim == 2 else label[..., 0]
    return grey if kind.depth >= 8 else grey // _step(kind.depth)


def _indices(data: bytes, label: np.ndarray | None) -> np.ndarray | None:
    """Let Pillow read formats other than PNG where it gives numbers and OpenCV shades."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode in _INDEXED or (image.format in _TABLES and image.mode == 'L'):
                return np.array(image, np.uint8)
            if isinstance(image, TiffImageFile) and image.mode == 'L':
                bits = image.tag_v2.get(_TIFF_BITS, (8,))[0]
                is_plain = image.tag_v2.get(_TIFF_PHOTOMETRIC) == _TIFF_BLACK_IS_ZERO
                if bits in (2, 4) and is_plain:
                    return np.array(image) // _step(bits)
    except Image.UnidentifiedImageError:
        pass
    return label


def _step(depth: int) -> int:
    """Return how far apart decoders put neighbours of 1, 2 or 4 bits in 0-255."""
    return 255 // ((1 << depth) - 1)
