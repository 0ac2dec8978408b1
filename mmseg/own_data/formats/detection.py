"""Which format a file or folder of annotations is of, by what stands in it."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from mmseg.datasets.listing import files_below
from mmseg.utils.errors import UserError, UserFileNotFoundError

from ..pictures import PICTURES, Picture, look_into
from .coco import is_coco, read_coco
from .colour_tables import find_table, read_table
from .cvat import is_cvat, read_cvat
from .labelme import is_labelme, read_labelme
from .masks import class_files, read_arrays, read_class_files, read_masks
from .reading import BACKGROUND, Reading, of_annotations
from .shapes import Annotations

FORMATS = (
    "COCO's JSON, LabelMe's JSON files, CVAT for images (XML), label pictures of ids or colours, a "
    'mask file for each class, or .npy files of a channel a class'
)


class Options(NamedTuple):
    """What a person decides.

    Attributes:
        rest: What pixels of no region are: 'background' or 'ignore'.
        on_top: What of overlapping regions is seen: 'smaller', 'later', or None for the format's.
        ignored: Classes whose regions are ignored pixels.
        table: File of class colours; None for one that lies with the masks, if any does.
        is_nearest: Whether colours of no class get the nearest one's.
    """

    rest: str = BACKGROUND
    on_top: str | None = None
    ignored: Collection[str] = ()
    table: Path | None = None
    is_nearest: bool = False


def read_labels(place: Path, pictures: Sequence[Picture], options: Options) -> Reading:
    """Read annotations of whatever format.

    Args:
        place: File or folder.
        pictures: The pictures that are annotated.
        options: What a person decides.

    Raises:
        UserError: The format is none of those known, or something in it is damaged.
    """
    annotations = _annotations(place)
    if annotations is None and place.is_dir():
        annotations = _arrays(place, pictures)
    if annotations is None:
        labels = _label_pictures(place)
        files = class_files(labels, pictures)
        if files is None:
            table = options.table or find_table(place)
            known = None if table is None else read_table(table)
            reading = read_masks(labels, pictures, known, options.is_nearest, options.ignored)
            told = [] if table is None else [f'colours: as {table} says']
            return reading._replace(lines=[*told, *reading.lines])
        annotations = read_class_files(files)
    return of_annotations(annotations, pictures, options.rest, options.on_top, options.ignored)


def _annotations(place: Path) -> Annotations | None:
    """Read what is neither a picture nor an array; None where there is nothing else."""
    if not place.exists():
        raise UserFileNotFoundError(f'there is no file and no folder {place}')
    files = [place] if place.is_file() else [place / name for name in files_below(place)]
    known = [
        (path, content)
        for path in files
        if path.suffix.lower() in ('.json', '.xml') and (content := _content(path)) is not None
    ]
    of_labelme = [(path, content) for path, content in known if is_labelme(content)]
    single = [(path, content) for path, content in known if not is_labelme(content)]
    if len(single) > 1 or (single and of_labelme):
        names = ', '.join(str(path) for path, _ in [*single, *of_labelme][:3])
        raise UserError(f'several files of annotations in {place}: name one of {names}')
    if of_labelme:
        return read_labelme(of_labelme)
    if single:
        path, content = single[0]
        return read_coco(content, path) if is_coco(content) else read_cvat(content, path)
    if place.is_file():
        raise UserError(f'{place} is none of what is read: {FORMATS}')
    return None


def _content(path: Path) -> Any:
    """Return the content of a JSON or XML file of a known format, None of another."""
    if path.suffix.lower() == '.xml':
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError as error:
            raise UserError(f'{path}: not XML, {error}') from None
        if root.tag == 'annotation':
            raise UserError(f'{path} holds boxes as of VOC, no regions: give the folder of masks')
        return root if is_cvat(root) else None
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except ValueError as error:
        raise UserError(f'{path}: not JSON, {error}') from None
    return content if is_coco(content) or is_labelme(content) else None


def _label_pictures(folder: Path) -> Sequence[Picture]:
    if not any(Path(name).suffix.lower() in PICTURES for name in files_below(folder)):
        raise UserError(f'{folder} holds none of what is read: {FORMATS}')
    return look_into(folder).pictures


def _arrays(folder: Path, pictures: Sequence[Picture]) -> Annotations | None:
    files = {name.removesuffix('.npy'): folder / name for name in files_below(folder, '.npy')}
    if not files:
        return None
    named = {picture.name: f'{picture.name}{picture.path.suffix}' for picture in pictures}
    fitting = {named[name]: path for name, path in files.items() if name in named}
    if not fitting:
        raise UserError(f'no .npy file of {folder} has the name of a picture')
    return read_arrays(fitting)
