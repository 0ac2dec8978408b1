"""Reading images and label maps from disk, each failure naming the file."""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmseg.utils.decoding import decode_image, is_palette_png
from mmseg.utils.errors import UserError


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
    image = decode_image(read_bytes(path), flag)
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
    label = decode_image(data, cv2.IMREAD_UNCHANGED)
    if label is None:
        raise UnreadableImageError(f'cannot read the label {path}: it is truncated or not an image')
    if is_palette_png(data):
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
