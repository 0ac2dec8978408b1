"""Pictures, videos and streams through a network, written as overlays, colours and label maps."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmseg.core.visualization import (
    captioned,
    coloured,
    grid,
    load_picture,
    overlay,
    save_picture,
    stretched,
)
from mmseg.utils.errors import UserError
from mmseg.utils.photographs import may_be_deep
from mmseg.utils.progress import track

from .inference import Segmenter
from .media import VideoFile, VideoFrames, VideoStream

_NUM_START_BYTES = 64
_DEEPEST = np.iinfo(np.uint16).max


class Drawing(NamedTuple):
    """How results are drawn.

    Attributes:
        opacity: Share of the colours in [0, 1].
        batch_size: Most images at once.
    """

    opacity: float = 0.5
    batch_size: int = 1


def segment_pictures(
    segmenter: Segmenter, pictures: Mapping[str, Path], folder: Path, drawing: Drawing
) -> int:
    """Write `<name>_overlay.png`, `_color.png` and `_labels.png` of each; return how many.

    Uncertainty, where the segmenter maps it, goes into `_entropy.png`, `_networks.png` and
    `_levels.png` of 16 bits, 65535 for 1, and is drawn side by side in `_uncertainty.png`.
    """
    num_read = 0
    todo = track(readable(pictures), 'pictures', len(pictures))
    for batch in batches(todo, drawing.batch_size):
        results = segmenter(
            [
                picture[..., ::-1] if _is_as_read(segmenter, pictures[name]) else pictures[name]
                for name, picture in batch
            ]
        )
        for (name, picture), result in zip(batch, results, strict=True):
            target, palette = folder / name, segmenter.model.PALETTE
            drawn = {
                'overlay': overlay(picture, result.labels, palette, drawing.opacity),
                'color': coloured(result.labels, palette),
                'labels': result.labels,
                **_drawn_uncertainty(result.uncertainty),
            }
            for kind, image in drawn.items():
                save_picture(image, target.with_name(f'{target.name}_{kind}.png'))
        num_read += len(batch)
    return num_read


def _drawn_uncertainty(maps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not maps:
        return {}
    deep = {kind: np.rint(values * _DEEPEST).astype(np.uint16) for kind, values in maps.items()}
    shown = [
        captioned(stretched(values), f'{kind}: bright is {values.max():.2f}')
        for kind, values in maps.items()
    ]
    return {**deep, 'uncertainty': grid([shown])}


def _is_as_read(segmenter: Segmenter, path: Path) -> bool:
    """Whether the network's config reads a file as it is shown to people."""
    with open(path, 'rb') as file:
        return segmenter.takes_pictures and not may_be_deep(file.read(_NUM_START_BYTES))


def segment_video(
    segmenter: Segmenter,
    frames: VideoFrames | VideoStream,
    name: str,
    target: Path,
    drawing: Drawing,
) -> None:
    """Write `<name>_overlay.mp4`, and a label map of each frame in `<name>_labels/`.

    Ctrl-C ends a stream and keeps what was seen of it.
    """
    labels = target.with_name(f'{target.name}_labels')
    num_done = 0
    with VideoFile(target.with_name(f'{target.name}_overlay.mp4'), frames.rate) as video:
        try:
            for batch in batches(track(frames, name), drawing.batch_size):
                for frame, result in zip(batch, segmenter(batch), strict=True):
                    picture, palette = frame[..., ::-1], segmenter.model.PALETTE
                    video.add(overlay(picture, result.labels, palette, drawing.opacity))
                    save_picture(result.labels, labels / f'{num_done:06d}.png')
                    num_done += 1
        except KeyboardInterrupt:
            if isinstance(frames, VideoFrames):
                raise
            print(f'stopped after {num_done} frames')
    if num_done == 0:
        raise UserError(f'{name} holds no frame that can be read')


def readable(pictures: Mapping[str, Path]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the pictures that can be read, (H, W, 3) RGB; say which cannot."""
    for name, path in pictures.items():
        try:
            yield name, load_picture(path)
        except UserError as error:
            print(f'left out: {error}', file=sys.stderr)


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield items in lists of `size`, the last one perhaps shorter."""
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
