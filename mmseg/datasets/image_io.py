"""Reading images and label maps from disk, each failure naming the file."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmseg.utils.errors import UserError, UserFileNotFoundError
from mmseg.utils.label_decoding import decode_label
from mmseg.utils.orientation import shown_size
from mmseg.utils.photographs import decode_photograph


class UnreadableImageError(UserError):
    """A file that is there but cannot be decoded; training may go on without it."""


class MissingImageError(UserFileNotFoundError):
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


def read_image(
    path: str | Path, flag: int = cv2.IMREAD_COLOR, max_value: float | None = None
) -> np.ndarray:
    """Read a photograph, upright as its EXIF says.

    Args:
        path: The file.
        flag: OpenCV's reading flag.
        max_value: Value of white in files of more than 8 bits; see `decode_photograph`.

    Returns:
        Pixels (H, W, 3) uint8 in BGR order (for the default flag).

    Raises:
        UserError: For a file that is not there, or whose white is not known.
        UnreadableImageError: For a file that is cut off or no image.
    """
    image = decode_photograph(read_bytes(path), f'the image {path}', flag, max_value)
    if image is None:
        raise UnreadableImageError(f'cannot read the image {path}: it is truncated or not an image')
    return image


def image_size(path: str | Path) -> tuple[int, int]:
    """Return the width and height that `read_image` gives a photograph, from its header alone.

    Raises:
        UnreadableImageError: For a file that is not there or no image.
    """
    try:
        with open(path, 'rb') as file:
            return shown_size(file)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise UnreadableImageError(f'the image {path} cannot be read') from None


def read_label(path: str | Path) -> np.ndarray:
    """Read a label map as the numbers that stand in the file; EXIF does not turn it.

    Args:
        path: The file.

    Returns:
        Label ids (H, W), or (H, W, channels) in OpenCV's BGR order; see `decode_label`.

    Raises:
        UserError: For a file that is not there.
        UnreadableImageError: For a file that is cut off or no image.
    """
    try:
        label = decode_label(read_bytes(path))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, UserError):
            raise
        raise UnreadableImageError(f'cannot read the label {path}: {error}') from None
    if label is None:
        raise UnreadableImageError(f'cannot read the label {path}: it is truncated or not an image')
    return label


def label_histogram(label: np.ndarray) -> np.ndarray:
    """Count the pixels of each label value.

    Args:
        label: Label ids (H, W) uint8.

    Returns:
        Pixel counts (256,) int64.
    """
    counts = cv2.calcHist([label], [0], None, [256], [0, 256])
    return counts.ravel().astype(np.int64)
