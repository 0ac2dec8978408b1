"""Reading images and label maps from disk, each failure naming the file."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmseg.utils.errors import UserError

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # left out: OpenCV decodes the same, in twice the time
    decode_image_png_u8 = None

_PNG_MAGIC = b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xaeB`\x82'
# What a PNG's first chunk holds from its start: width, height, bits a channel, colour type.
_PNG_HEADER = struct.Struct('>16xIIBB')
_PNG_GREY, _PNG_RGB, _PNG_PALETTE = 0, 2, 3
_PNG_CHUNK = struct.Struct('>I4s')  # how a chunk starts: length of its content, kind
_PNG_CHUNK_EXTRA = 12  # bytes of a chunk besides its content
# How many bytes one compressed byte can stand for.
_MAX_DEFLATE_RATIO = 1032
# Chunks with which OpenCV turns an image, adds a channel or picks a frame.
_PNG_CHANGES = {b'eXIf', b'tRNS', b'acTL'}


class UnreadableImageError(UserError):
    """A file that is there but cannot be decoded; training may go on without it."""


class MissingImageError(UserError):
    """A file that was there when the data set was listed; training may go on without it."""


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file.

    Raises:
        MissingImageError: For a file that is not there.
        UnreadableImageError: For a folder, and where the disk or permissions fail.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise MissingImageError(
            f'the file {path} is gone: put it back or remake the data folder'
        ) from None
    except OSError as error:
        raise UnreadableImageError(f'cannot read {path}: {error.strerror}') from None


def _decode(data: bytes, flag: int) -> np.ndarray | None:
    # Old OpenCV fills the rest of a cut-off PNG with zeros and says nothing.
    if not data or (data.startswith(_PNG_MAGIC) and _PNG_END not in data[-64:]):
        return None
    plain = _decode_plain_png(data, flag)
    if plain is not None:
        return plain
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:  # a size that no picture has
        return None


def _has_png_header(data: bytes) -> bool:
    return data.startswith(_PNG_MAGIC) and len(data) >= _PNG_HEADER.size


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the kind of each chunk, in order."""
    position = len(_PNG_MAGIC)
    while position + _PNG_CHUNK_EXTRA <= len(data):
        length, kind = _PNG_CHUNK.unpack_from(data, position)
        yield kind
        position += _PNG_CHUNK_EXTRA + length


def _decode_plain_png(data: bytes, flag: int) -> np.ndarray | None:
    """Decode a grey or RGB PNG of 8 bits twice as fast as OpenCV; None for all that is not one."""
    if decode_image_png_u8 is None or not _has_png_header(data):
        return None
    width, height, depth, colour = _PNG_HEADER.unpack_from(data)
    kept = (cv2.IMREAD_UNCHANGED, cv2.IMREAD_COLOR if colour == _PNG_RGB else cv2.IMREAD_GRAYSCALE)
    if depth != 8 or colour not in (_PNG_GREY, _PNG_RGB) or flag not in kept:
        return None
    is_size_wrong = width * height > _MAX_DEFLATE_RATIO * len(data)  # would end the process
    if is_size_wrong or not _PNG_CHANGES.isdisjoint(_png_chunks(data)):
        return None
    try:
        pixels = decode_image_png_u8(data, (height, width), 'rgb' if colour == _PNG_RGB else 'mono')
    except Exception:  # the library has no type of its own; OpenCV tells what is wrong
        return None
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if colour == _PNG_RGB else pixels[..., 0]


def read_image(path: str | Path, flag: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Read a photograph.

    Args:
        path: The file.
        flag: OpenCV's reading flag.

    Returns:
        Pixels (H, W, 3) uint8 in BGR order (for the default flag).

    Raises:
        UserError: For a file that is not there.
        UnreadableImageError: For a file that is cut off or no image.
    """
    image = _decode(read_bytes(path), flag)
    if image is None:
        raise UnreadableImageError(f'cannot read the image {path}: it is truncated or not an image')
    return image


def read_label(path: str | Path) -> np.ndarray:
    """Read a label map as the numbers that stand in the file.

    Palette PNGs give their indices, which OpenCV would turn into colours.

    Args:
        path: The file.

    Returns:
        Label ids (H, W), or (H, W, channels) in OpenCV's BGR order, uint8 or uint16.

    Raises:
        UserError: For a file that is not there.
        UnreadableImageError: For a file that is cut off or no image.
    """
    data = read_bytes(path)
    label = _decode(data, cv2.IMREAD_UNCHANGED)
    if label is None:
        raise UnreadableImageError(f'cannot read the label {path}: it is truncated or not an image')
    if _has_png_header(data) and _PNG_HEADER.unpack_from(data)[-1] == _PNG_PALETTE:
        return _palette_indices(data, path)
    return label


def _palette_indices(data: bytes, path: str | Path) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableImageError(f'cannot read the label {path}: {error}') from None


def label_histogram(label: np.ndarray) -> np.ndarray:
    """Count the pixels of each label value.

    Args:
        label: Label ids (H, W) uint8.

    Returns:
        Pixel counts (256,) int64.
    """
    counts = cv2.calcHist([label], [0], None, [256], [0, 256])
    return counts.ravel().astype(np.int64)
