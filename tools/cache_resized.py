"""Keep resized training images on disk, so that training neither decodes nor resizes.

python tools/cache_resized.py CONFIG [--out FOLDER] [--nproc N] [--dry-run]

It says how much it will write before it begins, goes on where it was interrupted, and makes images
anew that have changed. Training reads them with --options data.resized_cache=FOLDER.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2

from mmseg.apis import load_config
from mmseg.apis.plugins import add_plugins_option
from mmseg.datasets import build_dataset
from mmseg.datasets.image_io import UnreadableImageError, image_size
from mmseg.datasets.pipelines import CachedResize
from mmseg.datasets.pipelines.loading import image_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError
from mmseg.utils.process_pool import map_in_processes
from mmseg.utils.progress import track

_GIGABYTE = 1024**3


class Part(NamedTuple):
    """One data set of a config.

    Attributes:
        dataset: The images.
        cache: Where their resized forms go.
        missing: Indices of those that are not there yet.
        num_bytes: What writing them takes.
    """

    dataset: Any
    cache: CachedResize
    missing: list[int]
    num_bytes: int


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('--out', default='data/resized', help='folder to fill [data/resized]')
    parser.add_argument('--nproc', type=int, default=8, help='processes [8]')
    parser.add_argument('--dry-run', action='store_true', help='say how much it takes, no more')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def datasets(dataset: Any) -> Iterator[Any]:
    """Yield the sets of images that a training set is made of."""
    inner = [getattr(dataset, name) for name in ('source', 'target') if hasattr(dataset, name)]
    inner += {id(part): part for part in getattr(dataset, 'datasets', ())}.values()
    if not inner:
        yield dataset
    for part in inner:
        yield from datasets(part)


def plan(dataset: Any, folder: Path) -> Part:
    """Find out what is missing and how large it will be; only headers of images are read."""
    cache = CachedResize(dataset.pipeline, folder)
    missing, num_bytes = [], 0
    name = f'looking at {dataset.img_dir}'
    for index in track(range(len(dataset)), name):
        inputs = dataset.sample_inputs(index)
        if cache.read(dict(inputs)) is None:
            missing.append(index)
            num_bytes += cache.num_bytes(_size(image_path(inputs)))
    return Part(dataset, cache, missing, num_bytes)


def fill(part: Part, num_processes: int) -> int:
    """Write what is missing.

    Returns:
        How many images could not be read; training passes over them too.
    """
    work = partial(_write, part.dataset, part.cache)
    name = f'resizing {part.dataset.img_dir}'
    start = partial(cv2.setNumThreads, 0)
    written = map_in_processes(work, part.missing, num_processes, start, in_order=False)
    return sum(not is_written for is_written in track(written, name, len(part.missing)))


def main() -> None:
    """Say what it takes, then do it."""
    args = parse_args()
    if args.nproc < 1:
        raise UserError(f'--nproc: expected at least 1, got {args.nproc}')
    folder = Path(args.out)
    train = build_dataset(load_config(args.config, args.options, args.plugins).data.train)
    parts = [plan(dataset, folder) for dataset in datasets(train)]
    for part in parts:
        total, size = len(part.dataset), part.num_bytes / _GIGABYTE
        print(f'{part.dataset.img_dir}: {len(part.missing)} of {total} to write, {size:.2f} GB')
    needed = sum(part.num_bytes for part in parts)
    free = shutil.disk_usage(_existing(folder)).free
    print(f'in all {needed / _GIGABYTE:.2f} GB; {free / _GIGABYTE:.2f} GB are free at {folder}')
    if args.dry_run:
        return
    if needed > free:
        raise UserError(f'too little room at {folder}: choose another folder with --out')
    folder.mkdir(parents=True, exist_ok=True)
    num_unreadable = sum(fill(part, args.nproc) for part in parts if part.missing)
    if num_unreadable:
        print(f'{num_unreadable} images cannot be read and were passed over')
    print(f'train with: --options data.resized_cache={folder}')


def _write(dataset: Any, cache: CachedResize, index: int) -> bool:
    try:
        cache.write(dataset.sample_inputs(index))
    except UnreadableImageError:
        return False
    return True


def _size(path: str) -> tuple[int, int]:
    """Return width and height of an image; (1, 1) for one that cannot be read."""
    try:
        return image_size(path)
    except UnreadableImageError:
        return 1, 1


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


if __name__ == '__main__':
    run_cli(main)
