"""From a person's own labels, colours or ids, to train ids, as a mapping file says.

A mapping file is JSON:

    {
      "images": "photos", "image_suffix": ".jpg",
      "labels": "masks", "label_suffix": "_mask.png",
      "classes": {
        "road":  {"labels": [[128, 64, 128], [250, 170, 160]]},
        "plant": {"labels": [[107, 142, 35]], "color": [0, 160, 0]}
      }
    }

`labels` lists what stands for a class in the label files: RGB colours, or ids as `[7, 8]`. Train
ids follow the order of the classes; what no class lists is ignored. Where names begin differently,
`image_prefix` and `label_prefix` say how: `rgb_7.png` and `ss_7.png`.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmseg.core.building import nearest
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.errors import UserError
from mmseg.utils.places import named_file

from .classes import choose_palette
from .image_io import UnreadableImageError, read_bytes, read_label
from .label_conversion import LabelFile, require_folder
from .listing import files_below, is_within, report_other_capitals, there_instead
from .statistics_files import CONVERTED

_DEFAULTS = {
    'images': 'images',
    'image_suffix': '.png',
    'image_prefix': '',
    'labels': 'labels',
    'label_suffix': '.png',
    'label_prefix': '',
}
_KEYS = (*_DEFAULTS, 'classes')
_LOSSY = ('.jpg', '.jpeg', '.webp')


@dataclass(frozen=True)
class ClassMapping:
    """What a mapping file says.

    Attributes:
        images: Folder of the images below the root.
        image_suffix: End of an image's name.
        labels: Folder of the label files below the root.
        label_suffix: End of a label file's name.
        classes: Class names (C).
        palette: Colour of each class (C, 3) for pictures, RGB.
        train_ids: What stands in label files, an id or a colour as 0xRRGGBB → train id.
        is_coloured: Whether label files hold colours.
        image_prefix: Start of an image's name.
        label_prefix: Start of a label file's name; converted labels begin as images do.
    """

    images: str
    image_suffix: str
    labels: str
    label_suffix: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, ...], ...]
    train_ids: Mapping[int, int]
    is_coloured: bool
    image_prefix: str = ''
    label_prefix: str = ''

    @classmethod
    def from_file(cls, path: str | Path) -> 'ClassMapping':
        """Read a mapping file.

        Raises:
            UserError: Names what is wrong with it.
        """
        content = _read_json(named_file(path))
        try:
            return cls(**_parse(content))
        except UserError as error:
            raise UserError(f'{path}: {error}') from error

    def find_labels(self, root: Path, out_dir: Path | None = None) -> list[LabelFile]:
        """List the label files below a root, each with the image that it belongs to.

        Args:
            root: Folder of the data set.
            out_dir: Folder for converted labels; None for beside the originals.
        """
        folder, images = require_folder(root / self.labels), root / self.images
        is_shared = images.is_dir() and is_within(folder, images)
        if is_shared and is_within(images, folder) and self.image_suffix == self.label_suffix:
            raise UserError(
                f'images and labels are the same files: all *{self.label_suffix} of {folder}; '
                'set image_suffix and label_suffix to tell them apart'
            )
        others = [CONVERTED]
        if is_shared and len(self.image_suffix) > len(self.label_suffix):
            others.append(self.image_suffix)
        names = files_below(folder, self.label_suffix)
        found = [
            name
            for name in names
            if not name.endswith(tuple(others))
            and name.rpartition('/')[2].startswith(self.label_prefix)
        ]
        if not found:
            hint = there_instead(folder, 'label_suffix')
            named = f'{self.label_prefix}*{self.label_suffix}'
            raise UserError(f'no label file named {named} below {folder}{hint}')
        report_other_capitals(folder, self.label_suffix)
        return [self._label_file(root, name, out_dir or root) for name in found]

    def read(self, path: Path) -> np.ndarray:
        """Return the train ids (H, W) uint8 of a label file."""
        values = read_values(path, self.is_coloured)
        known = np.array(sorted(self.train_ids), np.int64)
        ids = np.array([self.train_ids[value] for value in known], np.uint8)
        place = np.searchsorted(known, values).clip(max=len(known) - 1)
        return np.where(known[place] == values, ids[place], IGNORE_INDEX).astype(np.uint8)

    def unlisted(self, paths: Iterable[Path]) -> dict[str, float]:
        """Return what stands in label files and in no class → its share of the pixels."""
        counts: Counter[int] = Counter()
        for path in paths:
            values, pixels = np.unique(read_values(path, self.is_coloured), return_counts=True)
            counts.update(dict(zip(values.tolist(), pixels.tolist(), strict=True)))
        total = counts.total()
        return {
            str(list(value.to_bytes(3, 'big')) if self.is_coloured else value): number / total
            for value, number in counts.most_common()
            if value not in self.train_ids
        }

    def _label_file(self, root: Path, name: str, out_dir: Path) -> LabelFile:
        folder, slash, stem = name.removesuffix(self.label_suffix).rpartition('/')
        stem = f'{folder}{slash}{self.image_prefix}{stem.removeprefix(self.label_prefix)}'
        return LabelFile(
            original=root / self.labels / name,
            converted=out_dir / self.labels / f'{stem}{CONVERTED}',
            image=root / self.images / f'{stem}{self.image_suffix}',
        )


def read_values(path: Path, is_coloured: bool) -> np.ndarray:
    """Return what stands in a label file: ids (H, W), or colours (H, W) as 0xRRGGBB.

    Raises:
        UserError: The file is not as it should be.
    """
    if is_coloured:
        try:
            with Image.open(io.BytesIO(read_bytes(path))) as image:
                colours = np.asarray(image.convert('RGB')).astype(np.int64)
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise UnreadableImageError(f'cannot read the label {path}: {error}') from error
        return colours @ np.array([1 << 16, 1 << 8, 1])
    ids = read_label(path)
    if ids.ndim != 2:
        raise UserError(
            f'{path} holds {ids.shape[-1]} channels where the mapping lists ids; '
            'list its colours as [red, green, blue]'
        )
    return ids.astype(np.int64)


def suggest_min_pixels(pixels_of: Sequence[Mapping[str, int]]) -> int:
    """Return `min_pixels` of rare class sampling for images of this size.

    The published 3000 are 0.15 % of a GTA image (1914×1052); this is the same share.

    Args:
        pixels_of: For each image, class → pixels.
    """
    areas = [sum(n for key, n in pixels.items() if key != 'file') for pixels in pixels_of]
    return max(1, round(3000 / (1914 * 1052) * float(np.median(areas))))


def _parse(content: Mapping[str, Any]) -> dict[str, Any]:
    for key in content:
        if key not in _KEYS:
            raise UserError(f'unknown key {key!r}; {nearest(key, _KEYS)}')
    classes = content.get('classes')
    if not isinstance(classes, Mapping) or not 2 <= len(classes) <= IGNORE_INDEX:
        raise UserError(f'classes: expected 2 to {IGNORE_INDEX} names with their labels')
    places = {key: content.get(key, default) for key, default in _DEFAULTS.items()}
    for key, place in places.items():
        if not isinstance(place, str):
            raise UserError(f'{key}: expected a text, got {place!r}')
    labels = {name: _labels_of(name, entry) for name, entry in classes.items()}
    kinds = {isinstance(label, tuple) for found in labels.values() for label in found}
    if len(kinds) != 1:
        raise UserError('labels: expected ids in all classes, or colours in all')
    is_coloured = kinds.pop()
    if is_coloured and places['label_suffix'].lower().endswith(_LOSSY):
        raise UserError(
            f'label_suffix {places["label_suffix"]}: such files blur colours at edges; '
            'export the labels as PNG'
        )
    spread = choose_palette(None, None, None, list(classes)) or []
    return {
        **places,
        'classes': tuple(classes),
        'palette': tuple(
            _colour(name, entry.get('color', tuple(colour)))
            for (name, entry), colour in zip(classes.items(), spread, strict=True)
        ),
        'train_ids': _train_ids(labels),
        'is_coloured': is_coloured,
    }


def _labels_of(name: str, entry: Any) -> list[int | tuple[int, ...]]:
    labels = entry.get('labels') if isinstance(entry, Mapping) else None
    if not isinstance(labels, list) or not labels or set(entry) - {'labels', 'color'}:
        raise UserError(f'class {name!r}: expected {{"labels": [...]}} and perhaps "color"')
    for label in labels:
        is_id = type(label) is int and 0 <= label < 1 << 16
        if not is_id and not isinstance(label, list):
            raise UserError(f'class {name!r}: expected ids or [red, green, blue], got {label!r}')
    return [_colour(name, label) if isinstance(label, list) else label for label in labels]


def _train_ids(labels: Mapping[str, Sequence[int | tuple[int, ...]]]) -> dict[int, int]:
    train_ids: dict[int, int] = {}
    for index, (name, found) in enumerate(labels.items()):
        for label in found:
            value = label if isinstance(label, int) else int.from_bytes(bytes(label), 'big')
            if value in train_ids:
                raise UserError(f'class {name!r}: another class lists {label} too')
            train_ids[value] = index
    return train_ids


def _colour(name: str, value: Any) -> tuple[int, ...]:
    if len(value) != 3 or not all(type(part) is int and 0 <= part < 256 for part in value):
        raise UserError(f'class {name!r}: expected a colour [red, green, blue], got {value!r}')
    return tuple(value)


def _read_json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise UserError(f'no mapping file at {path}')
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except json.JSONDecodeError as error:
        raise UserError(f'{path}, line {error.lineno}: not JSON, {error.msg}') from error
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: not in UTF-8 ({error}): save it so') from error
    if not isinstance(content, Mapping):
        raise UserError(f'{path}: expected an object with "classes"')
    return content
