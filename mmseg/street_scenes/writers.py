"""Street scenes on disk, laid out and numbered as GTA, Synthia and Cityscapes are."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmseg.core.evaluation.class_names import (
    CITYSCAPES_ID_TO_TRAIN_ID,
    CITYSCAPES_LABEL_IDS,
    CITYSCAPES_PALETTE,
    SYNTHIA_ID_TO_TRAIN_ID,
)
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.process_pool import map_in_processes
from mmseg.utils.progress import track

from .domains import DOMAINS
from .labels import DYNAMIC, EGO_VEHICLE, STATIC
from .scene import Scene, render_full_scene

LAYOUTS = ('gta', 'synthia', 'cityscapes')
# Scenes of different sets never share a seed: set n takes the seeds from n * _SEEDS_PER_SET on.
_SEEDS_PER_SET = 1_000_000
_SETS = ('gta', 'synthia', 'cityscapes/train', 'cityscapes/val')
_CITIES = {'train': ('aachen', 'bochum', 'bremen'), 'val': ('frankfurt', 'lindau')}
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 2]


@dataclass(frozen=True)
class SceneFiles:
    """One scene to draw and the files it goes to."""

    layout: str
    seed: int
    size: tuple[int, int]
    image: Path
    label: Path

    def write(self) -> None:
        """Draw the scene and write its files; the label comes last and marks it as complete."""
        scene = render_full_scene(self.seed, DOMAINS[self.layout], self.size)
        with atomic_path(self.image) as path:
            _write_png(path, scene.image[..., ::-1])
        with atomic_path(self.label) as path:
            _LABEL_WRITERS[self.layout](path, scene)


def write_street_scenes(
    root: str | Path,
    num_source: int,
    num_target: int,
    num_val: int,
    size: tuple[int, int] = (512, 256),
    seed: int = 0,
    nproc: int = 1,
    layouts: Sequence[str] = LAYOUTS,
) -> None:
    """Write street scenes under `root`, each data set in its true layout with raw label ids.

    What is there already is kept, so a second call is quick and an interrupted one goes on.

    Args:
        root: Folder for the folders `gta`, `synthia` and `cityscapes`.
        num_source: Scenes in each of the source sets, GTA and Synthia.
        num_target: Training scenes of Cityscapes.
        num_val: Validation scenes of Cityscapes.
        size: Width and height in pixels.
        seed: Seed of the whole set, not negative.
        nproc: Number of processes.
        layouts: Which of the data sets to write.

    Raises:
        UserError: An unknown layout, a negative number, or other files there.
    """
    unknown = sorted(set(layouts) - set(LAYOUTS))
    if unknown:
        raise UserError(f'unknown layout {unknown[0]!r}: expected some of {", ".join(LAYOUTS)}')
    counts = (num_source, num_target, num_val)
    if min(counts) < 0 or max(counts) >= _SEEDS_PER_SET or seed < 0 or nproc < 1:
        raise UserError(
            f'expected 0 to {_SEEDS_PER_SET - 1} scenes in a set, a seed >= 0 and nproc >= 1; '
            f'got {num_source}, {num_target} and {num_val} scenes, seed {seed} and nproc {nproc}'
        )
    root = Path(root)
    for layout in layouts:
        look = zlib.crc32(repr(DOMAINS[layout]).encode())
        _check_stamp(root / layout, f'size {size[0]}x{size[1]}, seed {seed}, look {look:08x}')
    scenes = _plan(root, counts, size, seed, layouts)
    missing = [scene for scene in scenes if not (scene.image.is_file() and scene.label.is_file())]
    _run(missing, nproc)


def _check_stamp(folder: Path, stamp: str) -> None:
    """Refuse to mix scenes of different sizes, seeds or looks in one folder."""
    path = folder / 'street_scenes.txt'
    if path.is_file():
        if path.read_text().strip() != stamp:
            raise UserError(
                f'{folder} holds street scenes of {path.read_text().strip()}, not of {stamp}: '
                'delete the folder or choose another'
            )
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(
            f'{folder} holds files that are no street scenes: choose another folder for them'
        )
    with atomic_path(path) as temporary:
        temporary.write_text(stamp + '\n')


def _plan(
    root: Path,
    counts: tuple[int, int, int],
    size: tuple[int, int],
    seed: int,
    layouts: Sequence[str],
) -> list[SceneFiles]:
    num_source, num_target, num_val = counts
    nums = {
        'gta': num_source,
        'synthia': num_source,
        'cityscapes/train': num_target,
        'cityscapes/val': num_val,
    }
    scenes = []
    for number, name in enumerate(_SETS):
        layout, _, split = name.partition('/')
        first = (seed * len(_SETS) + number) * _SEEDS_PER_SET
        for i in range(nums[name] if layout in layouts else 0):
            image, label = _paths(root / layout, layout, split, i)
            scenes.append(SceneFiles(layout, first + i, (size[0], size[1]), image, label))
    return scenes


def _paths(folder: Path, layout: str, split: str, number: int) -> tuple[Path, Path]:
    if layout == 'gta':
        name = f'{number + 1:05d}.png'
        return folder / 'images' / name, folder / 'labels' / name
    if layout == 'synthia':
        name = f'{number:07d}.png'
        return folder / 'RGB' / name, folder / 'GT' / 'LABELS' / name
    cities = _CITIES[split]
    city = cities[number % len(cities)]
    name = f'{city}_{number // len(cities):06d}_000019'
    image = folder / 'leftImg8bit' / split / city / f'{name}_leftImg8bit.png'
    return image, folder / 'gtFine' / split / city / f'{name}_gtFine_labelIds.png'


def _run(scenes: list[SceneFiles], nproc: int) -> None:
    # Fresh processes: forked ones may hang in OpenCV's thread pool.
    start, num_processes = partial(cv2.setNumThreads, 1), min(nproc, len(scenes))
    done = map_in_processes(
        SceneFiles.write, scenes, num_processes, start, in_order=False, method='spawn'
    )
    for _ in track(done, 'drawing street scenes', len(scenes)):
        pass


def _write_png(path: Path, pixels: np.ndarray) -> None:
    if not cv2.imwrite(str(path), np.ascontiguousarray(pixels), _FAST):
        raise OSError(f'cannot write {path}')


def _write_gta_label(path: Path, scene: Scene) -> None:
    """Write label ids as the indices of a palette PNG."""
    label = Image.fromarray(scene.label_ids, mode='P')
    label.putpalette(_palette().ravel().tolist())
    label.save(path, compress_level=2)


def _write_synthia_label(path: Path, scene: Scene) -> None:
    """Write 16-bit PNGs: red holds Synthia's class ids, green instance ids, blue nothing."""
    pixels = np.zeros((*scene.label_ids.shape, 3), np.uint16)
    pixels[..., 2] = _to_synthia_ids()[scene.label_ids]
    pixels[..., 1] = scene.instance_ids
    _write_png(path, pixels)


def _write_cityscapes_label(path: Path, scene: Scene) -> None:
    _write_png(path, scene.label_ids)


_LABEL_WRITERS: dict[str, Callable[[Path, Scene], None]] = {
    'gta': _write_gta_label,
    'synthia': _write_synthia_label,
    'cityscapes': _write_cityscapes_label,
}


def _to_synthia_ids() -> np.ndarray:
    """Return Synthia's id of each Cityscapes label id (256,), 0 for what Synthia leaves out."""
    by_train_id = {train_id: label for label, train_id in SYNTHIA_ID_TO_TRAIN_ID.items()}
    table = np.zeros(256, np.uint16)
    for label_id, train_id in CITYSCAPES_ID_TO_TRAIN_ID.items():
        table[label_id] = by_train_id[train_id]
    return table


def _palette() -> np.ndarray:
    """Return the colour of each label id, (256,3) uint8."""
    palette = np.zeros((256, 3), np.uint8)
    palette[list(CITYSCAPES_LABEL_IDS)] = CITYSCAPES_PALETTE
    palette[[EGO_VEHICLE, STATIC, DYNAMIC]] = ((0, 0, 0), (20, 20, 20), (111, 74, 0))
    return palette


def colour_labels(label_ids: np.ndarray) -> np.ndarray:
    """Return label ids (H,W) as a picture in the usual colours, (H,W,3) uint8 RGB."""
    return _palette()[label_ids]
