"""What is chosen for a person's data, each with its reason."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmseg.datasets.image_io import read_image

from .pictures import Picture

# Area that pictures are brought to: what two CPU cores, or a GPU, train on in an hour.
_AREA = {'cpu': 320 * 240, 'cuda': 1024 * 512}
_CROP = {'cpu': 192, 'cuda': 512}
_CELL = 32
_BATCH = 2
# GiB of a card that two images of each domain need, as predicted for MiT-B5 (docs/faq.md).
_ROOM_FOR_BATCH = {'float32': 8.1, 'bf16': 6.3}
_ENTRIES_OF_CLASS, _MOST_ENTRIES = 10, 300
_SMALL = 64
_NUM_COMPARED = 40
# Spread of grey values over the pictures, in [0, 255], below which a row shows the same in all.
_STILL = 6.0
_MOST_ROWS = 0.4


class Choice(NamedTuple):
    """Something that is chosen.

    Attributes:
        name: What it is for.
        value: What was chosen.
        reason: Why.
    """

    name: str
    value: Any
    reason: str


def choose_size(target: tuple[int, int], device: str) -> Choice:
    """Choose width and height that pictures are brought to.

    Args:
        target: Typical width and height of the target's pictures.
        device: 'cpu' or 'cuda'.
    """
    width, height = target
    factor = min(1.0, (_AREA[device] / (width * height)) ** 0.5)
    size = max(_CELL, round(width * factor)), max(_CELL, round(height * factor))
    what = f"the target's pictures are {width}×{height} (width×height, medians)"
    if factor == 1:
        return Choice('size', size, f'{what}: small enough as they are')
    return Choice('size', size, f'{what}; a {device} trains on {factor:.0%} of that in time')


def choose_crop(size: tuple[int, int], device: str) -> Choice:
    """Choose the side of the square crops that are trained on."""
    side = min(_CROP[device], *size)
    side -= side % _CELL
    reason = f'a multiple of {_CELL} that fits into {size[0]}×{size[1]}, {_CROP[device]} at most'
    return Choice('crop', max(side, _CELL), reason)


def choose_encoder(has_weights: bool, device: str) -> Choice:
    """Choose the encoder, among those whose weights are there."""
    if device == 'cuda' and has_weights:
        return Choice('encoder', 'mitb5', 'there is a GPU, and pretrained/mit_b5.pth')
    reason = 'its ImageNet weights come with the requirements'
    missing = '' if device == 'cpu' else '; pretrained/mit_b5.pth is not there'
    return Choice('encoder', 'effnetlite0', f'{reason}{missing}')


def choose_precision(device: str, has_bfloat16: bool) -> Choice:
    """Choose what training computes in: 'float32', or 'bf16' in part, as `amp` of a config.

    Args:
        device: 'cpu' or 'cuda'.
        has_bfloat16: Whether the GPU computes in bfloat16.
    """
    if device == 'cpu':
        return Choice(
            'precision', 'float32', 'bfloat16 (amp) is quicker on processors with AMX alone'
        )
    if has_bfloat16:
        return Choice('precision', 'bf16', 'the GPU has it: quicker, and with less memory')
    return Choice('precision', 'float32', 'the GPU has no bfloat16')


def choose_batch(device: str, memory: float, precision: str) -> Choice:
    """Choose how many images of each domain a step takes.

    Args:
        device: 'cpu' or 'cuda'.
        memory: Of the GPU, in GiB; that of a CPU does not count.
        precision: 'float32' or 'bf16'.
    """
    room = _ROOM_FOR_BATCH[precision]
    if device == 'cuda' and memory < room:
        reason = f'the GPU has {memory:.1f} GiB, and {_BATCH} are predicted to take {room} of them'
        return Choice('batch', 1, reason)
    return Choice('batch', _BATCH, 'images of each domain, as published')


def choose_entries(num_classes: int) -> Choice:
    """Choose how many entries the instance bank has."""
    number = min(_ENTRIES_OF_CLASS * num_classes, _MOST_ENTRIES)
    return Choice('bank entries', number, f'{_ENTRIES_OF_CLASS} a class, {_MOST_ENTRIES} at most')


def choose_margins(pictures: Sequence[Picture]) -> Choice:
    """Find rows at the top and the bottom that show the same in all pictures: a bonnet, a logo.

    Returns:
        Pixels at the top, at the bottom, on the left and on the right of the original pictures, of
        those of the commonest size; None where there are none, or too few to tell.
    """
    ((size, _),) = Counter(picture.size for picture in pictures).most_common(1)
    alike = [picture for picture in pictures if picture.size == size]
    spread = np.linspace(0, len(alike) - 1, min(_NUM_COMPARED, len(alike))).round().astype(int)
    if len(spread) < 5:
        return Choice('margins', None, f'{len(alike)} pictures of one size are too few to compare')
    small = [
        cv2.resize(read_image(alike[i].path, cv2.IMREAD_GRAYSCALE), (_SMALL, _SMALL))
        for i in spread
    ]
    still = np.stack(small).astype(np.float32).std(axis=0).mean(axis=1) < _STILL
    height = size[1]
    top, bottom = (round(_length_of_true(rows) / _SMALL * height) for rows in (still, still[::-1]))
    if not top + bottom:
        return Choice('margins', None, 'no rows at the top or the bottom show the same in all')
    if top + bottom > _MOST_ROWS * height:
        return Choice('margins', None, 'the pictures are too much alike to tell a margin')
    reason = f'the same in {len(spread)} pictures, as a bonnet or a logo is: no pseudo labels there'
    return Choice('margins', [top, bottom, 0, 0], reason)


def _length_of_true(rows: np.ndarray) -> int:
    return int(np.argmin(rows)) if not rows.all() else len(rows)
