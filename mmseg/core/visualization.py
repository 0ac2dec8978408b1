"""Pictures of labels, weights and counts: NumPy arrays in, RGB arrays out.

H, W: height and width in pixels; C: classes. Pictures are (H, W, 3) uint8 in RGB order.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.photographs import decode_photograph

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LINE = 18
_DARK, _LIGHT = (40, 40, 40), (255, 255, 255)


def coloured(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Paint every pixel in its class's colour.

    Args:
        labels: Class indices (H, W); what is not in [0, C) stays black.
        palette: Colours (C, 3), RGB in [0, 255].

    Returns:
        A picture (H, W, 3).
    """
    colours = np.zeros((len(palette) + 1, 3), np.uint8)
    colours[:-1] = np.asarray(palette, np.uint8).reshape(-1, 3)
    return np.take(colours, _known_or_last(labels, len(palette)), axis=0)


def overlay(
    image: np.ndarray,
    labels: np.ndarray,
    palette: Sequence[Sequence[int]],
    opacity: float = 0.5,
) -> np.ndarray:
    """Lay class colours over a picture.

    Args:
        image: Picture (H, W, 3).
        labels: Class indices (H, W); pixels outside [0, C) show the picture alone.
        palette: Colours (C, 3).
        opacity: Share of the colour in [0, 1].

    Returns:
        A picture (H, W, 3).
    """
    mixed = cv2.addWeighted(image, 1.0 - opacity, coloured(labels, palette), opacity, 0.0)
    unknown = _known_or_last(labels, len(palette)) == len(palette)
    if unknown.any():
        mixed[unknown] = image[unknown]
    return mixed


def denormalize(
    image: np.ndarray, mean: Sequence[float], std: Sequence[float], to_rgb: bool = True
) -> np.ndarray:
    """Turn a network's input back into a picture.

    Args:
        image: Normalised image (K, H, W); of other than three bands, the first three are shown,
            or the first one in grey.
        mean: Mean per channel that was subtracted.
        std: Standard deviation per channel that was divided by.
        to_rgb: Whether the channels of `image` are in RGB order (else BGR).

    Returns:
        A picture (H, W, 3).
    """
    picture = image.transpose(1, 2, 0) * np.asarray(std) + np.asarray(mean)
    picture = picture[..., :3] if picture.shape[2] >= 3 else picture[..., :1].repeat(3, axis=2)
    picture = picture if to_rgb else picture[..., ::-1]
    return np.clip(picture.round(), 0, 255).astype(np.uint8)


def heat_map(values: np.ndarray) -> np.ndarray:
    """Paint values in [0, 1] (H, W) from dark (0) to bright (1)."""
    gray = np.clip(np.asarray(values, np.float32) * 255.0, 0, 255).astype(np.uint8)
    return cv2.applyColorMap(gray, cv2.COLORMAP_VIRIDIS)[..., ::-1]


def stretched(values: np.ndarray) -> np.ndarray:
    """Draw a map (H, W) of numbers from 0 on, its largest as the brightest."""
    return heat_map(values / max(float(values.max()), 1e-12))


def captioned(picture: np.ndarray, text: str) -> np.ndarray:
    """Put a line of text above a picture (H, W, 3), making it `H + 18` high."""
    bar = np.full((_LINE, picture.shape[1], 3), _DARK, np.uint8)
    cv2.putText(bar, text, (4, 13), _FONT, 0.42, _LIGHT, 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])


def grid(rows: Sequence[Sequence[np.ndarray]], gap: int = 4) -> np.ndarray:
    """Set pictures out in rows, each at its own size, on a white sheet.

    Args:
        rows: Pictures per row.
        gap: White pixels between and around them.

    Returns:
        A picture that holds them all.
    """
    heights = [max(picture.shape[0] for picture in row) for row in rows]
    widths = [sum(picture.shape[1] + gap for picture in row) for row in rows]
    sheet = np.full((sum(heights) + gap * (len(rows) + 1), max(widths) + gap, 3), 255, np.uint8)
    top = gap
    for row, height in zip(rows, heights, strict=True):
        left = gap
        for picture in row:
            sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
            left += picture.shape[1] + gap
        top += height + gap
    return sheet


def legend(classes: Sequence[str], palette: Sequence[Sequence[int]], width: int) -> np.ndarray:
    """Draw a box and a name for every class, in as many lines as `width` asks for."""
    cell = 24 + max(cv2.getTextSize(name, _FONT, 0.42, 1)[0][0] for name in classes)
    num_columns = max(1, width // cell)
    num_lines = -(-len(classes) // num_columns)
    sheet = np.full((num_lines * _LINE, max(width, cell), 3), 255, np.uint8)
    for index, (name, colour) in enumerate(zip(classes, palette, strict=False)):
        line, column = divmod(index, num_columns)
        left, top = column * cell, line * _LINE
        sheet[top + 3 : top + 15, left + 2 : left + 14] = colour
        cv2.putText(sheet, name, (left + 18, top + 13), _FONT, 0.42, _DARK, 1, cv2.LINE_AA)
    return sheet


def bar_chart(
    counts: Sequence[int],
    quotas: Sequence[int],
    palette: Sequence[Sequence[int]],
    size: tuple[int, int],
) -> np.ndarray:
    """Draw how full each class's share of the bank is: an outline to the quota, filled so far.

    Args:
        counts: Filled entries per class (C).
        quotas: Entries each class may have (C).
        palette: Colours (C, 3).
        size: Height and width of the picture in pixels.

    Returns:
        A picture (H, W, 3).
    """
    height, width = size
    sheet = np.full((height, width, 3), 255, np.uint8)
    top_value = max(1, *counts, *quotas)
    slot = width / max(1, len(counts))
    for index, (count, quota) in enumerate(zip(counts, quotas, strict=True)):
        left, right = round(index * slot) + 1, max(round((index + 1) * slot) - 2, 2)
        fill = height - 1 - round((height - 3) * count / top_value)
        outline = height - 1 - round((height - 3) * quota / top_value)
        colour = tuple(int(channel) for channel in palette[index])
        cv2.rectangle(sheet, (left, fill), (right, height - 1), colour, cv2.FILLED)
        cv2.rectangle(sheet, (left, outline), (right, height - 1), _DARK, 1)
    return sheet


def load_picture(path: str | Path) -> np.ndarray:
    """Read an image file as a picture (H, W, 3) for people to look at.

    Raises:
        UserError: There is no such file or it is not an image.
    """
    if not Path(path).is_file():
        raise UserError(f'no image at {path}')
    picture = decode_photograph(Path(path).read_bytes(), str(path), max_value='fit')
    if picture is None:
        raise UserError(f'{path} is not a readable image (png, jpg, …)')
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def save_picture(picture: np.ndarray, path: str | Path) -> None:
    """Write a picture (H, W, 3), or a map of class indices (H, W), as an image file."""
    path = Path(path)
    channels = np.ascontiguousarray(picture)
    if picture.ndim == 3:
        channels = cv2.cvtColor(channels, cv2.COLOR_RGB2BGR)
    with atomic_path(path) as temporary:
        _, data = cv2.imencode(path.suffix or '.png', channels)
        temporary.write_bytes(data.tobytes())


def _known_or_last(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Replace indices outside [0, C) by C."""
    labels = np.asarray(labels)
    if labels.dtype == np.uint8 and num_classes <= np.iinfo(np.uint8).max:
        return np.minimum(labels, np.uint8(num_classes))
    return np.where((labels >= 0) & (labels < num_classes), labels, num_classes)
