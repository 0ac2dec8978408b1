"""Validation images with their labels and predictions, kept in a work dir for its report.

H, W: height and width of a picture in pixels; C: classes.
"""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mmseg.core.visualization import coloured, heat_map
from mmseg.utils.atomic import atomic_path

FOLDER = 'report'
_FACTS = 'examples.json'
_MAX_WIDTH = 640
_JPEG_QUALITY = 85
_NO_CLASS = 255
_DOUBT = 'doubt_'
_WRONG, _UNLABELLED = (220, 38, 38), (20, 20, 20)


@dataclass(frozen=True)
class Example:
    """An image beside what was made of it.

    Attributes:
        name: The image's file name.
        image: Data URI of the picture.
        labels: Class indices (H, W), 255 where there is no label.
        predictions: Class indices (H, W) by network.
        uncertainty: Maps (H, W) uint8 by what they tell, such as 'entropy of the teacher'; 255 is
            the most.
    """

    name: str
    image: str
    labels: np.ndarray
    predictions: dict[str, np.ndarray]
    uncertainty: dict[str, np.ndarray]


@dataclass(frozen=True)
class Examples:
    """The examples of a run and how their classes are shown."""

    classes: list[str]
    palette: list[list[int]]
    items: list[Example]


class ExampleWriter:
    """Keeps examples in `report/` of a work dir, small enough to be put into a page.

    Args:
        work_dir: Folder of the run.
        classes: Class names (C).
        palette: Colours (C, 3).
    """

    def __init__(
        self, work_dir: str | Path, classes: Sequence[str], palette: Sequence[Sequence[int]]
    ) -> None:
        self.folder = Path(work_dir) / FOLDER
        self.classes = list(classes)
        self.palette = [list(map(int, colour)) for colour in palette]
        self.names: dict[int, str] = {}

    def add(
        self,
        number: int,
        name: str,
        image: np.ndarray,
        labels: np.ndarray,
        pred: np.ndarray,
        network: str,
        uncertainty: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Write one example.

        Args:
            number: Its place among the examples.
            name: The image's file name.
            image: Picture (H, W, 3).
            labels: True classes (H, W), outside [0, C) where there is no label.
            pred: Predicted classes (H, W).
            network: Who predicted: 'student' or 'teacher'.
            uncertainty: Maps (H, W) in [0, 1] by what they tell.
        """
        self.names[number] = name
        folder = self.folder / f'{number:02d}'
        height, width = image.shape[:2]
        scale = min(1.0, _MAX_WIDTH / width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        picture = Image.fromarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        _save(picture, folder / 'image.jpg', quality=_JPEG_QUALITY)
        _save(self._kept(labels, size), folder / 'labels.png')
        _save(self._kept(pred, size), folder / f'{network}.png')
        for kind, values in (uncertainty or {}).items():
            small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
            shades = np.rint(255 * small.clip(0, 1)).astype(np.uint8)
            _save(Image.fromarray(shades), folder / f'{_DOUBT}{kind}.png')
        facts = {
            'classes': self.classes,
            'palette': self.palette,
            'names': [self.names[key] for key in sorted(self.names)],
        }
        with atomic_path(self.folder / _FACTS) as temporary:
            temporary.write_text(json.dumps(facts) + '\n', encoding='utf-8')

    def _kept(self, labels: np.ndarray, size: tuple[int, int]) -> Image.Image:
        known = (labels >= 0) & (labels < len(self.classes))
        indices = np.where(known, labels, _NO_CLASS).astype(np.uint8)
        return Image.fromarray(cv2.resize(indices, size, interpolation=cv2.INTER_NEAREST))


def read_examples(work_dir: Path) -> Examples | None:
    """Read the examples of a work dir; None where it has none."""
    folder = work_dir / FOLDER
    if not (folder / _FACTS).is_file():
        return None
    facts = json.loads((folder / _FACTS).read_text(encoding='utf-8'))
    items = []
    for number, name in enumerate(facts['names']):
        files = {path.stem: path for path in sorted((folder / f'{number:02d}').glob('*.*'))}
        image = data_uri(files.pop('image').read_bytes(), 'jpeg')
        maps = {kind: np.asarray(Image.open(path)) for kind, path in files.items()}
        doubts = [kind for kind in maps if kind.startswith(_DOUBT)]
        uncertainty = {kind.removeprefix(_DOUBT): maps.pop(kind) for kind in doubts}
        items.append(Example(name, image, maps.pop('labels'), maps, uncertainty))
    return Examples(facts['classes'], facts['palette'], items)


def coloured_uri(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> str:
    """Return the data URI of class indices (H, W) in their colours."""
    return _png(coloured(labels, palette))


def errors(pred: np.ndarray, labels: np.ndarray) -> str:
    """Return the data URI of a map (H, W) of what is right (white), wrong, and unlabelled."""
    picture = np.full((*labels.shape, 3), 255, np.uint8)
    picture[pred != labels] = _WRONG
    picture[labels == _NO_CLASS] = _UNLABELLED
    return _png(picture)


def shaded(values: np.ndarray) -> str:
    """Return the data URI of an uncertainty (H, W) uint8, the brighter the more."""
    return _png(heat_map(values / 255))


def data_uri(data: bytes, kind: str) -> str:
    """Return an image file's bytes as a URI that a page can hold."""
    return f'data:image/{kind};base64,{base64.b64encode(data).decode()}'


def _png(picture: np.ndarray) -> str:
    file = io.BytesIO()
    # Few colours: a palette makes a third of the size.
    Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE).save(
        file, 'png', optimize=True
    )
    return data_uri(file.getvalue(), 'png')


def _save(picture: Image.Image, path: Path, **settings: Any) -> None:
    with atomic_path(path) as temporary:
        picture.save(temporary, **settings)
