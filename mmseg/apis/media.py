"""Pictures and videos that a person points at."""

import glob
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmseg.utils.errors import UserError

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')
VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')
_CODEC = 'mp4v'  # the one that OpenCV's packages can write everywhere


def find_media(place: str | Path) -> dict[str, Path]:
    """Find the pictures and videos that a file, a folder or a pattern stands for.

    Args:
        place: A file, a folder (searched with all below it) or a pattern as `shots/**/*.jpg`.

    Returns:
        A short name that tells them apart → file, sorted by name.

    Raises:
        UserError: There is none.
    """
    path = Path(place)
    if path.is_file():
        return {path.stem: path}
    if path.is_dir():
        found, root = [p for p in path.rglob('*') if not p.name.startswith('.')], path
    else:
        found = [Path(name) for name in glob.glob(str(place), recursive=True)]
        root = Path(str(place).split('*')[0].split('?')[0].split('[')[0])
        root = root if root.is_dir() else root.parent
    files = sorted(p for p in found if p.suffix.lower() in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))
    if not files:
        raise UserError(
            f'no picture or video at {place}; expected a file, a folder or a quoted pattern of '
            f'{", ".join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))}'
        )
    stems = [p.relative_to(root).with_suffix('').as_posix() for p in files]
    return {
        stem if stems.count(stem) == 1 else f'{stem}{p.suffix}': p
        for stem, p in zip(stems, files, strict=True)
    }


def is_video(path: Path) -> bool:
    """Tell a video from a picture by its name."""
    return path.suffix.lower() in VIDEO_SUFFIXES


class VideoFrames:
    """The frames of a video, one after the other.

    Args:
        path: Video file.

    Raises:
        UserError: The file is no video that OpenCV reads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        capture = cv2.VideoCapture(str(path))
        self.rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
        self._num = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        is_open = capture.isOpened()
        capture.release()
        if not is_open:
            raise UserError(f'{path} cannot be read as a video')

    def __len__(self) -> int:
        """Return how many frames the file says it has."""
        return max(self._num, 0)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield frames (H, W, 3), BGR."""
        capture = cv2.VideoCapture(str(self.path))
        try:
            while True:
                is_there, frame = capture.read()
                if not is_there:
                    return
                yield frame
        finally:
            capture.release()


class VideoFile:
    """Writes pictures as a video, which is whole or absent.

    Args:
        path: File to write, `.mp4`.
        rate: Pictures a second.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self.path = path
        self.rate = rate
        self._part = path.with_name(f'.{path.stem}.tmp{path.suffix}')
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> 'VideoFile':
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def add(self, picture: np.ndarray) -> None:
        """Append a picture (H, W, 3), RGB, all of one size."""
        if self._writer is None:
            size = picture.shape[1::-1]
            self._writer = cv2.VideoWriter(
                str(self._part), cv2.VideoWriter.fourcc(*_CODEC), self.rate, size
            )
            if not self._writer.isOpened():
                raise UserError(f'OpenCV here cannot write videos; {self.path} was not written')
        self._writer.write(np.ascontiguousarray(picture[..., ::-1]))

    def __exit__(self, kind: type | None, *rest: object) -> None:
        if self._writer is not None:
            self._writer.release()
            if kind is None:
                self._part.replace(self.path)
        self._part.unlink(missing_ok=True)
