"""Label maps as pictures: ids, colours, or a file for each class."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.datasets.class_mapping import ClassMapping, read_values
from mmseg.datasets.image_io import read_label
from mmseg.utils.errors import UserError

from ..label_values import (
    LabelValues,
    count_values,
    hold_colours,
    propose_classes,
    refuse_blurred,
)
from ..pairs import pair_up
from ..pictures import Picture
from .colour_tables import Table
from .reading import Reading, refuse_unknown
from .shapes import SMALLER, AnnotatedImage, Annotations, Shape

# Names that tables give to what is no class.
VOID = ('void', 'ignore', 'ignored', 'unlabeled', 'unlabelled')
_PARTS = ('_', '-', '.', ' ')


def read_masks(
    labels: Sequence[Picture],
    pictures: Sequence[Picture],
    table: Table | None = None,
    is_nearest: bool = False,
    ignored: Collection[str] = (),
) -> Reading:
    """Read one label map a picture, of ids or colours.

    Args:
        labels: The label maps, of the names of their pictures.
        pictures: The pictures.
        table: Class → colour; of grey label maps the ids are places in it, from 0. None proposes
            classes from what the files hold.
        is_nearest: Whether pixels of no listed colour get the class of the nearest one.
        ignored: Classes whose pixels are ignored.

    Raises:
        UserError: Pictures and labels do not belong together or are the same files, or the labels
            hold no classes.
    """
    pairs = pair_up(pictures, labels)
    if any(picture.path.samefile(label.path) for picture, label in pairs.pairs):
        raise UserError(
            'pictures and label pictures are the same files: put them into two folders, or have '
            'tools/convert_datasets/custom.py tell them apart by image_suffix and label_suffix'
        )
    files = [label for _, label in pairs.pairs]
    if not is_nearest:
        refuse_blurred(files)
    has_palette = all(label.mode == 'P' for label in files)
    is_coloured = hold_colours(files) or (table is not None and has_palette)
    counts, solid = count_values(files, is_coloured)
    lines = [f'{len(files)} pairs, by {pairs.how}', *pairs.lines()]
    total = counts.total()
    shares = {value: number / total for value, number in counts.most_common()}
    listed, told = _listed(LabelValues(is_coloured, shares, len(files), solid), table)
    lines += told
    colours = _colours(listed, is_coloured, table, files[0] if has_palette else None)
    refuse_unknown(ignored, listed)
    void = [n for n in listed if n in ignored or (table is not None and n.lower() in VOID)]
    lines += [f'{name!r} is ignored' for name in void]
    classes = [name for name in listed if name not in void]
    ids = {listed[name]: index for index, name in enumerate(classes)}
    ids |= {listed[name]: IGNORE_INDEX for name in void}
    if table is not None or is_nearest:
        lines += _about_unlisted(counts, ids, is_coloured, is_nearest)
    mapping = ClassMapping('', '', '', '', tuple(classes), (), ids, is_coloured)
    return Reading(
        format=_called(is_coloured, has_palette, table),
        classes=classes,
        colours=colours,
        images=[
            (picture, partial(_read, label.path, mapping, is_nearest and is_coloured))
            for picture, label in pairs.pairs
        ],
        lines=lines,
    )


def _listed(values: LabelValues, table: Table | None) -> tuple[dict[str, int], list[str]]:
    """Return class → value in the files, as a table says or as they propose; and what to tell."""
    if table is None:
        proposal = propose_classes(values)
        classes = proposal.classes.items()
        return {name: _value(entry['labels'][0]) for name, entry in classes}, list(proposal.lines)
    if values.is_coloured:
        return {name: _value(list(colour)) for name, colour in table.items()}, []
    told = 'the labels hold ids: taken for places in the table, from 0'
    return {name: index for index, name in enumerate(table)}, [told]


def _called(is_coloured: bool, has_palette: bool, table: Table | None) -> str:
    what = 'colours' if is_coloured else 'ids'
    palette = ' of a palette' if has_palette else ''
    return f'label pictures of {what}{palette}' + (', by a table' if table is not None else '')


def _value(label: int | Sequence[int]) -> int:
    return label if isinstance(label, int) else int.from_bytes(bytes(label), 'big')


def _colours(
    listed: Mapping[str, int], is_coloured: bool, table: Table | None, first: Picture | None
) -> dict[str, Sequence[int]]:
    if table is not None:
        return dict(table)
    if is_coloured:
        return {name: list(value.to_bytes(3, 'big')) for name, value in listed.items()}
    if first is None:
        return {}
    with Image.open(first.path) as image:
        palette = np.reshape(image.getpalette('RGB') or [], (-1, 3)).tolist()
    return {name: palette[value] for name, value in listed.items() if value < len(palette)}


def _about_unlisted(
    counts: Counter[int], ids: Mapping[int, int], is_coloured: bool, is_nearest: bool
) -> list[str]:
    """Say how many pixels are of no listed value, and what becomes of them."""
    others = Counter({value: number for value, number in counts.items() if value not in ids})
    if not others:
        return []
    what = 'colour' if is_coloured else 'id'
    most = others.most_common(1)[0][0]
    shown = list(most.to_bytes(3, 'big')) if is_coloured else most
    line = (
        f'{others.total()} pixels ({others.total() / counts.total():.2%}) are of no listed {what}, '
        f'but of {len(others)} others, most often {shown}: '
    )
    if not (is_nearest and is_coloured):
        hint = '; --nearest takes them for the nearest colour' if is_coloured else ''
        return [f'{line}ignored{hint}']
    values = np.array(sorted(others), np.int64)
    distance = _nearest(values, np.array(sorted(ids), np.int64))[1]
    return [f'{line}taken for the nearest, up to {distance.max():.0f} away in RGB']


def _nearest(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for colours (N) as 0xRRGGBB the places (N) of the nearest known, and distances."""
    shifts = np.array([16, 8, 0])
    channels, ours = ((each[:, None] >> shifts) & 255 for each in (values, known))
    places = np.empty(len(values), np.int64)
    distances = np.empty(len(values))
    for start in range(0, len(values), 1 << 14):
        part = slice(start, start + (1 << 14))
        squares = ((channels[part, None] - ours) ** 2).sum(axis=-1)
        places[part] = squares.argmin(axis=1)
        distances[part] = np.sqrt(squares.min(axis=1))
    return places, distances


def _read(path: Path, mapping: ClassMapping, is_nearest: bool) -> np.ndarray:
    if not is_nearest:
        return mapping.read(path)
    values = read_values(path, is_coloured=True)
    known = np.array(sorted(mapping.train_ids), np.int64)
    ids = np.array([mapping.train_ids[value] for value in known.tolist()], np.uint8)
    unique, places = np.unique(values, return_inverse=True)
    return ids[_nearest(unique, known)[0]][places].reshape(values.shape)


def class_files(
    labels: Sequence[Picture], pictures: Sequence[Picture]
) -> dict[str, dict[str, Path]] | None:
    """Tell whether label files hold a class each, in folders of the classes or by their names.

    Args:
        labels: `road/a.png`, `car/a.png` (folders), or `a_road.png`, `a_car.png`, for `a.jpg`.
        pictures: The pictures.

    Returns:
        File of a picture → class → file; None where there is one file a picture, or none fits.
    """
    names = {picture.name: f'{picture.name}{picture.path.suffix}' for picture in pictures}
    by_folder: dict[str, dict[str, Path]] = defaultdict(dict)
    by_end: dict[str, dict[str, Path]] = defaultdict(dict)
    for label in labels:
        folder, _, rest = label.name.partition('/')
        if rest in names:
            by_folder[names[rest]][folder] = label.path
        cuts = (i for i in range(len(label.name) - 1, 0, -1) if label.name[i] in _PARTS)
        cut = next((i for i in cuts if label.name[:i] in names), None)
        if cut is not None and label.name not in names:
            by_end[names[label.name[:cut]]][label.name[cut + 1 :]] = label.path
    for found in (by_folder, by_end):
        several = sum(len(files) > 1 for files in found.values())
        if several and sum(map(len, found.values())) == len(labels):
            return dict(found)
    return None


def read_class_files(files: Mapping[str, Mapping[str, Path]]) -> Annotations:
    """Read a mask for each class of a picture; classes are in the order of their names.

    Args:
        files: File of a picture → class → file.
    """
    classes = sorted({name for masks in files.values() for name in masks})
    images = [
        AnnotatedImage(
            name, None, [Shape(c, partial(_mask, masks[c])) for c in classes if c in masks]
        )
        for name, masks in files.items()
    ]
    lines = ['a pixel is in a mask from half of the largest value of its file on']
    return Annotations('a mask file for each class', classes, {}, images, SMALLER, lines)


def _mask(path: Path, height: int, width: int) -> np.ndarray:
    values = read_label(path)
    values = values if values.ndim == 2 else values[..., :3].max(axis=-1)
    return _checked(values, path, height, width) * 2.0 >= max(1, int(values.max()))


def read_arrays(files: Mapping[str, Path]) -> Annotations:
    """Read NumPy files of a mask for each class, (C, H, W) or (H, W, C), zero outside.

    Args:
        files: File of a picture → its `.npy`.

    Raises:
        UserError: They differ in their numbers of classes, or are no such arrays.
    """
    counts = {path: len(_array(path)) for path in files.values()}
    number = max(counts.values())
    for path, count in counts.items():
        if count != number:
            raise UserError(f'{path} has {count} channels, another file {number}')
    classes = [f'class {index}' for index in range(number)]
    images = [
        AnnotatedImage(
            name, None, [Shape(c, partial(_channel, path, i)) for i, c in enumerate(classes)]
        )
        for name, path in files.items()
    ]
    return Annotations('NumPy arrays, a channel a class', classes, {}, images, SMALLER, [])


def _array(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode='r', allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f'cannot read {path}: {error}') from None
    if array.ndim != 3 or array.dtype.kind not in 'biu':
        raise UserError(
            f'{path} is an array {array.shape} of {array.dtype}: expected whole numbers '
            '(C, H, W) or (H, W, C); save class ids as PNG'
        )
    # What is short is the channels.
    return np.moveaxis(array, -1, 0) if array.shape[-1] < array.shape[0] else array


def _channel(path: Path, index: int, height: int, width: int) -> np.ndarray:
    return _checked(np.asarray(_array(path)[index]), path, height, width) > 0


def _checked(values: np.ndarray, path: Path, height: int, width: int) -> np.ndarray:
    if values.shape != (height, width):
        raise UserError(
            f'{path} is {values.shape[1]}×{values.shape[0]}, its picture {width}×{height} '
            '(width×height)'
        )
    return values
