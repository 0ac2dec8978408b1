"""Resized images and labels kept on disk, read in place of decoding and resizing the originals.

An entry is one file of NumPy blocks: facts, the image (H, W, 3) and, for labelled sets, the labels
(H, W). They are mapped into memory, so that a crop reads its own rows alone.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.programs import how_to_call

from .compose import Compose
from .loading import (
    LoadAnnotations,
    LoadImageFromFile,
    describe_image,
    image_path,
    label_path,
)
from .transforms import Resize

Results = dict[str, Any]
# NumPy's headers and the facts.
_NUM_OVERHEAD_BYTES = 512


def resized_from(pipeline: Compose, folder: str | Path) -> Compose:
    """Let a pipeline take resized images from a cache.

    Args:
        pipeline: Begins with `LoadImageFromFile`, perhaps `LoadAnnotations`, and a `Resize` to
            one fixed scale.
        folder: The cache's folder; images that it lacks are read as before.

    Returns:
        A pipeline of the same samples.

    Raises:
        UserError: The pipeline begins otherwise, or there is no such folder.
    """
    if not Path(folder).is_dir():
        raise UserError(
            f'data.resized_cache: no folder {folder}; fill it with '
            f'{how_to_call("tools/cache_resized.py")}'
        )
    cached = CachedResize(pipeline, folder)
    return Compose([cached, *pipeline.transforms[len(cached.steps) :]])


class CachedResize:
    """The steps that read and resize, done once for an image and then read from a cache.

    Args:
        pipeline: See `resized_from`.
        folder: The cache's folder, shared by data sets and scales: each has a folder in it.
    """

    def __init__(self, pipeline: Compose, folder: str | Path) -> None:
        steps = pipeline.transforms
        num_steps = 3 if len(steps) > 1 and isinstance(steps[1], LoadAnnotations) else 2
        self.steps = steps[:num_steps]
        self.folder = Path(folder)
        self.with_labels = num_steps == 3
        if len(self.steps) < num_steps or not _is_fixed(self.steps):
            raise UserError(
                'data.resized_cache: expected pipelines that begin with LoadImageFromFile (uint8), '
                f'LoadAnnotations and a Resize to one img_scale, got {pipeline}'
            )
        self.resize: Any = self.steps[-1]

    def __call__(self, results: Results) -> Results:
        entry = self.read(results)
        return self.load(results) if entry is None else entry

    def load(self, results: Results) -> Results:
        """Read and resize the originals."""
        for step in self.steps:
            results = step(results)
        return results

    def path(self, results: Results) -> Path:
        """Return where an image's entry stands, or would."""
        scale = self.resize.scales[0]
        settings = {
            'images': results.get('img_prefix'),
            'labels': results.get('seg_prefix') if self.with_labels else None,
            'label_map': sorted((results.get('label_map') or {}).items()),
            'reduce_zero_label': self.with_labels and self.steps[1].reduces(results),
            'scale': scale,
            'keep_ratio': self.resize.keep_ratio,
        }
        if self.with_labels and results.get('ignore_index', IGNORE_INDEX) != IGNORE_INDEX:
            settings['ignore_index'] = results['ignore_index']
        load: Any = self.steps[0]
        if load.max_value is not None:
            settings['max_value'] = load.max_value
        key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]
        kind = f'{scale[0]}x{scale[1]}_{key}'
        return self.folder / kind / f'{results["img_info"]["filename"]}.npy'

    def num_bytes(self, size: tuple[int, int]) -> int:
        """Return how large the entry of an image of this width and height is."""
        width, height = self.resize.target_size(*size, self.resize.scales[0])
        return _NUM_OVERHEAD_BYTES + width * height * (3 + self.with_labels)

    def write(self, results: Results) -> None:
        """Make an image's entry, whole or not at all."""
        path, stamps = self.path(results), self._stamps(results)
        done = self.load(dict(results))
        with atomic_path(path) as temporary, open(temporary, 'wb') as file:
            np.save(file, np.array([*done['ori_shape'][:2], *stamps], np.int64))
            np.save(file, np.ascontiguousarray(done['img']))
            if self.with_labels:
                np.save(file, np.ascontiguousarray(done['gt_semantic_seg']))

    def read(self, results: Results) -> Results | None:
        """Return what `load` would; None where there is no entry, or one of other originals."""
        try:
            with open(self.path(results), 'rb') as file:
                facts = np.load(file).tolist()
                if facts[2:] != self._stamps(results):
                    return None
                image = _map(file)
                labels = _map(file) if self.with_labels else None
        except (OSError, ValueError):
            return None
        return self._completed(results, image, labels, facts[:2])

    def _completed(
        self, results: Results, image: np.ndarray, labels: np.ndarray | None, size: list[int]
    ) -> Results:
        describe_image(results, (*size, *image.shape[2:]))
        if labels is not None:
            results['gt_semantic_seg'] = labels
            results.setdefault('seg_fields', []).append('gt_semantic_seg')
        results.update(img=image, scale=self.resize.scales[0])
        return self.resize.describe(results, size)

    def _stamps(self, results: Results) -> list[int]:
        """Return size and time of the originals, which tell whether they were replaced."""
        files = [image_path(results), *([label_path(results)] if self.with_labels else [])]
        stats = [os.stat(file) for file in files]
        return [number for stat in stats for number in (stat.st_size, stat.st_mtime_ns)]


def _is_fixed(steps: list[Any]) -> bool:
    load, resize = steps[0], steps[-1]
    return (
        isinstance(load, LoadImageFromFile)
        and not load.to_float32
        and load.color_type == 'color'
        and isinstance(resize, Resize)
        and not resize.is_random
        and len(resize.scales) == 1
    )


def _map(file: BinaryIO) -> np.ndarray:
    """Map the block that a file stands at into memory, and go to the next."""
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    start = file.tell()
    array = np.memmap(file, dtype, 'r', start, shape)
    file.seek(start + array.nbytes)
    return np.asarray(array)
