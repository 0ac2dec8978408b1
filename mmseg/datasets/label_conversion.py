"""From the label ids of a data set to train ids, and the statistics that rare class sampling reads.

A converted label stands beside its original. Files are whole or absent, so an interrupted run is
taken up where it stopped.
"""

import argparse
import json
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX, id_lookup_table
from mmseg.utils.atomic import atomic_path, remove_unfinished
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from mmseg.utils.progress import track

from .image_io import UnreadableImageError, image_size, read_label
from .statistics_files import SAMPLES_WITH_CLASS_FILE, STATS_DICT_FILE, STATS_FILE

CONVERTED = '_labelTrainIds.png'
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


def argument_parser(description: str, label_dir: str) -> argparse.ArgumentParser:
    """Make the command line that all converters share.

    Args:
        description: What the converter does.
        label_dir: Folder of the labels below the root, unless the user names another.

    Returns:
        A parser of ROOT, --label-dir, --out-dir and --nproc.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('root', type=Path, help='folder of the data set')
    parser.add_argument(
        '--label-dir',
        '--gt-dir',
        default=label_dir,
        help='folder of the labels below ROOT (default: %(default)s)',
    )
    parser.add_argument(
        '-o', '--out-dir', type=Path, help='folder of the statistics (default: ROOT)'
    )
    parser.add_argument('--nproc', type=int, default=1, help='number of processes (default: 1)')
    return parser


def require_folder(folder: Path) -> Path:
    """Return a folder, or raise a `UserError` where it does not exist."""
    if not folder.is_dir():
        raise UserError(f'the folder {folder} does not exist: ROOT is the folder of the data set')
    return folder


def labels_beside_images(root: Path, label_dir: str, image_dir: str) -> list[LabelFile]:
    """List the labels of a flat data set, named by numbers like their images.

    Args:
        root: Folder of the data set.
        label_dir: Folder of the labels below it.
        image_dir: Folder of the images below it.

    Returns:
        The labels, sorted by name.
    """
    folder, images = require_folder(root / label_dir), root / image_dir
    originals = sorted(p for p in folder.glob('**/*.png') if p.stem[-1:].isdigit())
    has_images = images.is_dir()
    return [
        LabelFile(
            original=path,
            converted=path.with_name(path.stem + CONVERTED),
            image=images / path.relative_to(folder) if has_images else None,
        )
        for path in originals
        if not path.name.startswith('.')
    ]


def convert_labels(
    files: Sequence[LabelFile],
    read_ids: Callable[[Path], np.ndarray],
    id_to_train_id: Mapping[int, int],
    out_dir: Path,
    num_processes: int = 1,
) -> None:
    """Convert labels that are not converted yet, then write the class statistics.

    Args:
        files: The labels.
        read_ids: Reads the label ids (H, W) of an original; a function of a module.
        id_to_train_id: Train id of each label id; every other id is ignored.
        out_dir: Folder of the statistics.
        num_processes: Number of processes to use.

    Raises:
        UserError: For a label that cannot be read.
    """
    if not files:
        raise UserError('no label found: expected PNG files whose names end in a digit')
    for folder in {out_dir, *(file.converted.parent for file in files)}:
        remove_unfinished(folder)
    known = _known_statistics(files, out_dir)
    todo = [file for file in files if str(file.converted) not in known and not _is_done(file)]
    work = partial(_convert, read_ids=read_ids, table=id_lookup_table(id_to_train_id, _NUM_IDS))
    problems = []
    for file, label in zip(
        todo, track(_map(work, todo, num_processes), 'labels', total=len(todo)), strict=True
    ):
        if label.problem is not None:
            problems.append(label.problem)
        elif file.counted:
            known[str(file.converted)] = label.pixels
    write_statistics(out_dir, known)
    print(f'{len(files)} labels: {len(todo)} converted or counted, {len(files) - len(todo)} kept')
    if problems:
        named = '; '.join(problems[:_NAMED_PROBLEMS])
        get_root_logger().warning(f'{len(problems)} labels left out of the statistics: {named}')


def write_statistics(out_dir: Path, pixels_of: Mapping[str, Mapping[str, int]]) -> None:
    """Write the three files that rare class sampling reads.

    Args:
        out_dir: Folder to write to.
        pixels_of: Label file → class → number of pixels.
    """
    ordered = {file.replace('\\', '/'): dict(pixels_of[file]) for file in sorted(pixels_of)}
    with_class: dict[str, list[tuple[str, int]]] = {}
    for file, pixels in ordered.items():
        for label, count in pixels.items():
            with_class.setdefault(label, []).append((file, count))
    contents = {
        STATS_DICT_FILE: ordered,
        SAMPLES_WITH_CLASS_FILE: with_class,
        # Last, because its presence says that all is done.
        STATS_FILE: [{**pixels, 'file': file} for file, pixels in ordered.items()],
    }
    for name, content in contents.items():
        with atomic_path(out_dir / name) as temporary:
            temporary.write_text(json.dumps(content))


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
        if file.converted.as_posix() in entries
        and _is_current(file)
        and file.converted.stat().st_mtime <= written
    }


def _is_current(file: LabelFile) -> bool:
    converted, original = file.converted, file.original
    return converted.is_file() and converted.stat().st_mtime >= original.stat().st_mtime


def _is_done(file: LabelFile) -> bool:
    return not file.counted and _is_current(file)


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
        return f'{file.original} is {width}x{height}, {file.image} {size[0]}x{size[1]} pixels'
    return None


def _map(
    work: Callable[[LabelFile], ConvertedLabel], files: Sequence[LabelFile], num_processes: int
) -> Iterator[ConvertedLabel]:
    if num_processes <= 1:
        yield from map(work, files)
        return
    with multiprocessing.Pool(num_processes, _start_process) as pool:
        yield from pool.imap(work, files, chunksize=4)
        # Leaving the block sends SIGTERM, which a process that is about to wait may sleep through.
        pool.close()
        pool.join()


def _start_process() -> None:
    # Ctrl-C reaches every process; the first one stops the others, which then tidy up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cv2.setNumThreads(0)
