"""From the label ids of a data set to train ids, and the statistics that rare class sampling reads.

A converted label stands beside its original, or below another folder. Files are whole or absent,
so an interrupted run is taken up where it stopped.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX, id_lookup_table
from mmseg.utils.atomic import atomic_path, remove_unfinished
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from mmseg.utils.process_pool import map_in_processes
from mmseg.utils.progress import track

from .image_io import UnreadableImageError, image_size, read_label
from .listing import files_below, there_instead
from .statistics_files import CONVERTED, STATS_FILE, write_statistics

_NUM_IDS = 1 << 16  # labels have up to 16 bits
_NAMED_PROBLEMS = 5


@dataclass(frozen=True)
class LabelFile:
    """One label map to convert.

    Attributes:
        original: The file with label ids.
        converted: The file with train ids, to be written.
        image: The photograph it belongs to; None where there is nothing to check it against.
        counted: Whether it goes into the statistics (validation labels do not).
    """

    original: Path
    converted: Path
    image: Path | None = None
    counted: bool = True


@dataclass(frozen=True)
class ConvertedLabel:
    """What came of a `LabelFile`.

    Attributes:
        pixels: Class → number of pixels.
        problem: Why rare class sampling must not draw this file, if so.
    """

    pixels: dict[str, int]
    problem: str | None = None


def require_folder(folder: Path) -> Path:
    """Return a folder, or raise a `UserError` where it does not exist."""
    if not folder.is_dir():
        raise UserError(f'the folder {folder} does not exist: ROOT is the folder of the data set')
    return folder


def labels_beside_images(
    root: Path, label_dir: str, image_dir: str, out_dir: Path | None = None
) -> list[LabelFile]:
    """List the labels of a flat data set, named by numbers like their images.

    Args:
        root: Folder of the data set.
        label_dir: Folder of the labels below it.
        image_dir: Folder of the images below it.
        out_dir: Folder for converted labels; None for beside the originals.

    Returns:
        The labels, sorted by name.
    """
    folder, images = require_folder(root / label_dir), root / image_dir
    paths = [Path(name) for name in files_below(folder)]
    originals = [p for p in paths if p.suffix.lower() == '.png' and p.stem[-1:].isdigit()]
    there = [Path(name) for name in files_below(images)] if images.is_dir() else []
    # An image of the label's own suffix has the last word.
    by_stem = {path.with_suffix(''): path for path in there}
    image_of = {path: by_stem.get(path.with_suffix(''), path) for path in originals}
    image_of |= {path: path for path in there if path in image_of}
    return [
        LabelFile(
            original=folder / path,
            converted=(out_dir or root) / label_dir / path.with_name(path.stem + CONVERTED),
            image=images / image_of[path] if there else None,
        )
        for path in originals
    ]


def require_writable(folders: Iterable[Path]) -> None:
    """Raise a `UserError` where one of some folders cannot be written to, or made."""
    for folder in folders:
        places = (folder.absolute(), *folder.absolute().parents)
        there = next(place for place in places if place.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            raise UserError(
                f'cannot write to {folder}, which is read-only: name a folder for the converted '
                'labels and the statistics with --out-dir'
            )


def convert_labels(
    files: Sequence[LabelFile],
    read_ids: Callable[[Path], np.ndarray],
    id_to_train_id: Mapping[int, int],
    out_dir: Path,
    num_processes: int = 1,
) -> None:
    """Convert labels that are not converted yet, then write the class statistics.

    Labels whose image is gone or has another size are left out of the statistics, also if earlier
    ones hold them.

    Args:
        files: The labels.
        read_ids: Reads the label ids (H, W) of an original; a function of a module.
        id_to_train_id: Train id of each label id; every other id is ignored.
        out_dir: Folder of the statistics.
        num_processes: Number of processes to use.

    Raises:
        UserError: For a label that cannot be read, a folder that cannot be written to, and labels
            of which none has an image.
    """
    if not files:
        raise UserError('no label found: expected PNG files whose names end in a digit')
    _require_images(files)
    known = _known_statistics(files, out_dir)
    todo = [
        file
        for file in files
        if str(file.converted) not in known and (file.counted or not _is_current(file))
    ]
    folders = {out_dir, *(file.converted.parent for file in todo)}
    require_writable(folders)
    for folder in folders:
        remove_unfinished(folder)
    work = partial(_convert, read_ids=read_ids, table=id_lookup_table(id_to_train_id, _NUM_IDS))
    problems = []
    converted = map_in_processes(work, todo, num_processes, _start_process)
    for file, label in zip(todo, track(converted, 'labels', total=len(todo)), strict=True):
        if label.problem is not None:
            problems.append(label.problem)
        elif file.counted:
            known[str(file.converted)] = label.pixels
    if not known and problems:
        raise UserError(f'no label can be sampled, and no statistics were written: {problems[0]}')
    if any(file.counted for file in files):
        write_statistics(out_dir, known)
    print(f'{len(files)} labels: {len(todo)} converted or counted, {len(files) - len(todo)} kept')
    if problems:
        named = '; '.join(problems[:_NAMED_PROBLEMS])
        get_root_logger().warning(f'{len(problems)} labels left out of the statistics: {named}')


def _known_statistics(files: Sequence[LabelFile], out_dir: Path) -> dict[str, dict[str, int]]:
    """Return what an earlier run wrote about labels that did not change since."""
    stats = out_dir / STATS_FILE
    if not stats.is_file():
        return {}
    written = stats.stat().st_mtime
    try:
        entries = {entry.pop('file'): entry for entry in json.loads(stats.read_text())}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}  # damaged: all is counted anew
    return {
        str(file.converted): entries[file.converted.as_posix()]
        for file in files
        if file.counted
        and file.converted.as_posix() in entries
        and _is_current(file)
        and file.converted.stat().st_mtime <= written
        and _is_image_older(file, written)
    }


def _is_image_older(file: LabelFile, written: float) -> bool:
    image = file.image
    return image is None or (image.is_file() and image.stat().st_mtime <= written)


def _require_images(files: Sequence[LabelFile]) -> None:
    """Refuse labels of which none has an image: a setting is wrong, not the data."""
    pairs = [(file.original, file.image) for file in files if file.image is not None]
    if len(pairs) < len(files) or any(image.is_file() for _, image in pairs):
        return
    original, image = pairs[0]
    folder = next(place for place in image.parents if place.is_dir())
    raise UserError(
        f'no label has an image: for {original} was looked for {image}'
        f'{there_instead(folder, "image_suffix (of own data, in the mapping file)")}'
    )


def _is_current(file: LabelFile) -> bool:
    converted, original = file.converted, file.original
    return converted.is_file() and converted.stat().st_mtime >= original.stat().st_mtime


def _convert(
    file: LabelFile, read_ids: Callable[[Path], np.ndarray], table: np.ndarray
) -> ConvertedLabel:
    labels = _read_converted(file)
    if labels is None:
        ids = read_ids(file.original)
        if ids.ndim != 2:
            raise UserError(f'{file.original} holds {ids.shape[-1]} channels, not label ids')
        labels = table[ids]
        with atomic_path(file.converted) as temporary:
            temporary.write_bytes(cv2.imencode('.png', labels)[1].tobytes())
    counts = np.bincount(labels.ravel(), minlength=IGNORE_INDEX + 1)[:IGNORE_INDEX]
    pixels = {str(label): int(counts[label]) for label in np.flatnonzero(counts)}
    return ConvertedLabel(pixels, _problem(file, labels) if file.counted else None)


def _read_converted(file: LabelFile) -> np.ndarray | None:
    if not _is_current(file):
        return None
    try:
        return read_label(file.converted)
    except UnreadableImageError:
        return None


def _problem(file: LabelFile, labels: np.ndarray) -> str | None:
    if file.image is None:
        return None
    if not file.image.is_file():
        return f'{file.original} has no image {file.image}'
    try:
        size = image_size(file.image)
    except UnreadableImageError as error:
        return f'{error}: {file.original} belongs to it'
    if size != labels.shape[::-1]:
        height, width = labels.shape
        return f'{file.original} is {width}×{height}, {file.image} {size[0]}×{size[1]} pixels'
    return None


def _start_process() -> None:
    # Ctrl-C reaches every process; the first one stops the others, which then tidy up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cv2.setNumThreads(0)
