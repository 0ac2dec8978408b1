"""What a network sees in a person's pictures, under the names that these have."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg.apis import Segmenter
from mmseg.core.visualization import load_picture, overlay, save_picture
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.progress import track

from .pictures import Picture

LABELS, CONFIDENCE, OVERLAYS = 'predictions', 'confidence', 'overlays'


def write_predictions(segmenter: Segmenter, pictures: Sequence[Picture], folder: Path) -> list[str]:
    """Write labels, confidence and overlay of each picture, of its own size.

    `predictions/` holds class indices in PNGs with the classes' colours as their palette,
    `confidence/` the probability of that class in PNGs of 8 bits, 255 for 1, `overlays/` colours
    laid over the pictures as JPEGs. What is there already is not made again.

    Args:
        segmenter: With the network.
        pictures: Of one folder.
        folder: Where the three folders go.

    Returns:
        Names of those that could not be read, each with the reason.
    """
    left_out: list[str] = []
    palette = segmenter.model.PALETTE
    names = output_names(pictures)
    todo = [
        (picture, name)
        for picture, name in zip(pictures, names, strict=True)
        if not (folder / OVERLAYS / f'{name}.jpg').is_file()
    ]
    for picture, name in track(todo, 'predictions', len(todo)):
        try:
            shown = load_picture(picture.path)
            (result,) = segmenter([picture.path])
        except UserError as error:
            left_out.append(f'{picture.name}: {error}')
            continue
        save_palette_png(result.labels, palette, folder / LABELS / f'{name}.png')
        confidence = np.rint(result.confidence * 255).astype(np.uint8)
        save_picture(confidence, folder / CONFIDENCE / f'{name}.png')
        # Last: where it stands the other two do.
        save_picture(overlay(shown, result.labels, palette), folder / OVERLAYS / f'{name}.jpg')
    return left_out


def output_names(pictures: Sequence[Picture]) -> list[str]:
    """Return the names below a folder of what is written of pictures, without a suffix.

    They are the pictures' own; of pictures that differ in their suffixes alone it is a part.
    """
    counts = Counter(picture.name for picture in pictures)
    return [
        picture.name if counts[picture.name] == 1 else f'{picture.name}{picture.path.suffix}'
        for picture in pictures
    ]


def save_palette_png(labels: np.ndarray, palette: Sequence[Sequence[int]], path: Path) -> None:
    """Write class indices (H, W) as a PNG that shows them in their colours (C, 3)."""
    image = Image.fromarray(labels.astype(np.uint8), mode='P')
    colours = np.zeros((256, 3), np.uint8)  # a shorter palette would mean fewer bits
    colours[: len(palette)] = palette
    image.putpalette(colours.ravel().tolist())
    with atomic_path(path) as temporary:
        image.save(temporary)
