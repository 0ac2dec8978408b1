"""Convert crop and weed photographs: python tools/convert_datasets/weeds.py data/weeds_rgb_to_nir

The colour photographs are cut into quarters, FRAME_00 to FRAME_11. Of most frames the photograph
was turned upright by its EXIF tag before it was cut, and the labels were not: such labels are
turned first, in place, told by how well they explain the colours of their frame.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2
import numpy as np

from mmseg.datasets.image_io import read_image, read_label
from mmseg.experiments.streets import run_tool
from mmseg.own_data.fit import explained_share
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserFileNotFoundError

_CONVERTER = 'tools/convert_datasets/custom.py'
_QUARTERS = (('00', '01'), ('10', '11'))


def frames_of(images: Path) -> list[str]:
    """Return the names of the frames whose quarters lie in a folder."""
    frames = sorted({path.stem.rsplit('_', 1)[0] for path in images.glob('*_??.jpg')})
    if not frames:
        raise UserFileNotFoundError(f'no quarters of photographs, *_00.jpg and so on, in {images}')
    return frames


def joined(files: dict[str, np.ndarray]) -> np.ndarray:
    """Put the four quarters of a frame together."""
    return np.vstack([np.hstack([files[name] for name in row]) for row in _QUARTERS])


def quarters_of(frame: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Cut a frame (H, W) into its quarters, by their names."""
    for names, rows in zip(_QUARTERS, np.split(frame, 2), strict=True):
        yield from zip(names, np.split(rows, 2, axis=1), strict=True)


def turn_labels(source: Path) -> int:
    """Turn the labels of frames that fit their photographs better upside down; count the frames."""
    names = [name for row in _QUARTERS for name in row]
    number = 0
    for frame in frames_of(source / 'images'):
        image = joined({q: read_image(source / f'images/{frame}_{q}.jpg') for q in names})
        labels = joined({q: read_label(source / f'labels/{frame}_{q}.png') for q in names})
        turned = labels[::-1, ::-1]
        if explained_share(image, turned) > explained_share(image, labels):
            number += 1
            for name, quarter in quarters_of(turned):
                with atomic_path(source / f'labels/{frame}_{name}.png') as path:
                    path.write_bytes(cv2.imencode('.png', quarter)[1].tobytes())
    return number


def main() -> None:
    """Turn, then convert source, target and what is tested on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', type=Path, help='folder of the data set')
    root = parser.parse_args().root
    number = turn_labels(root / 'source')
    print(f'labels of {number} frames turned to stand as their photographs do')
    run_tool(_CONVERTER, root / 'source', str((root / 'source.json').resolve()))
    mapping = json.loads((root / 'target.json').read_text(encoding='utf-8'))
    for part in ('val', 'train'):
        path = root / f'target_{part}.json'
        folders = {'images': f'images/{part}', 'labels': f'labels/{part}'}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({**mapping, **folders}, indent=2), encoding='utf-8')
        run_tool(_CONVERTER, root / 'target', str(path.resolve()))


if __name__ == '__main__':
    run_cli(main)
