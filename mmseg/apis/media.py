"""Pictures, videos, cameras and streams that a person points at."""

import contextlib
import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmseg.utils.errors import UserError

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')
VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')
# How the address of a stream begins that OpenCV's packages can open.
_SCHEMES = ('rtsp', 'rtsps', 'rtmp', 'rtp', 'srt', 'udp', 'tcp', 'http', 'https')
_STREAM_TIMEOUT = 10_000  # milliseconds
_USUAL_RATE, _MOST_FRAMES_A_SECOND = 25.0, 240.0
_CODEC = 'mp4v'  # the one that OpenCV's packages can write everywhere

# FFmpeg reads it once, at the first video: what it would say an error of ours says in a line.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')


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
            f'{", ".join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))}; the number of a camera, or the '
            'address of a stream such as rtsp://host/path'
        )
    stems = [p.relative_to(root).with_suffix('').as_posix() for p in files]
    return {
        stem if stems.count(stem) == 1 else f'{stem}{p.suffix}': p
        for stem, p in zip(stems, files, strict=True)
    }


def is_video(path: Path) -> bool:
    """Tell a video from a picture by its name."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def is_stream(place: str | Path) -> bool:
    """Tell the number or device of a camera, or the address of a stream, from files.

    >>> is_stream('0'), is_stream('rtsp://10.0.0.2/front'), is_stream('shots')
    (True, True, False)
    """
    text, path = str(place), Path(place)
    scheme = text.partition('://')[0].lower() if '://' in text else ''
    is_camera = text.isdecimal() and not path.exists()
    return is_camera or scheme in _SCHEMES or path.is_char_device()


class VideoStream:
    """The frames of a camera or a stream, one after the other, until it ends.

    Args:
        place: Number or device of a camera, or the address of a stream.

    Raises:
        UserError: It cannot be opened.
    """

    def __init__(self, place: str | Path) -> None:
        self.name = stream_name(place)
        number = re.fullmatch(r'(?:/dev/video)?(\d+)', str(place))
        with _quiet_opencv():
            if number is not None:
                self._capture = cv2.VideoCapture(int(number[1]))
            else:
                limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
                settings = [value for limit in limits for value in (limit, _STREAM_TIMEOUT)]
                self._capture = cv2.VideoCapture(str(place), cv2.CAP_FFMPEG, settings)
        if not self._capture.isOpened():
            what = f'camera {number[1]}' if number is not None else f'the stream {place}'
            raise UserError(
                f'{what} cannot be opened: is it there, may this user read it, does nobody else '
                'hold it?'
            )
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 1 <= rate <= _MOST_FRAMES_A_SECOND else _USUAL_RATE

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield frames (H, W, 3), BGR."""
        return _frames(self._capture)


def stream_name(place: str | Path) -> str:
    """Return what the files made of a stream are called.

    >>> stream_name('0'), stream_name('rtsp://user:secret@10.0.0.2:554/front.sdp')
    ('camera0', '10.0.0.2_554_front')
    """
    number = re.fullmatch(r'(?:/dev/video)?(\d+)', str(place))
    if number is not None:
        return f'camera{number[1]}'
    address = re.sub(r'^.*?://([^/@]*@)?', '', str(place)).partition('?')[0]
    stem = re.sub(r'(?<=/)([^/]+)\.\w+$', r'\1', address)
    return re.sub(r'[^\w.-]+', '_', stem).strip('_') or 'stream'


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
        self.rate = capture.get(cv2.CAP_PROP_FPS) or _USUAL_RATE
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
        return _frames(cv2.VideoCapture(str(self.path)))


def _frames(capture: cv2.VideoCapture) -> Iterator[np.ndarray]:
    try:
        while True:
            is_there, frame = capture.read()
            if not is_there:
                return
            yield frame
    finally:
        capture.release()


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from telling what an error of ours tells in a line."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


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
