"""Both forms of the demo on pictures, folders and videos, with a small network."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg.apis.media import VideoFile, VideoFrames
from tests.apis.tiny import CLASSES, write_run
from tests.file_server import file_server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp('run'))


@pytest.fixture(scope='module')
def shots(tmp_path_factory):
    """Pictures of several sizes, one of them broken, and a video."""
    folder = tmp_path_factory.mktemp('shots')
    (folder / 'more').mkdir()
    rng = np.random.default_rng(0)
    for name, size in (('a.png', (40, 56)), ('b.jpg', (40, 56)), ('more/c.png', (75, 31))):
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (*size, 3)).astype(np.uint8))
    (folder / 'broken.png').write_bytes(b'no picture')
    with VideoFile(folder / 'drive.mp4', rate=5) as video:
        for _ in range(3):
            video.add(rng.integers(0, 256, (48, 64, 3)).astype(np.uint8))
    return folder


def call(program, *arguments):
    command = [sys.executable, str(ROOT / program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_image_demo__maps_of_uncertainty_have_16_bits(run, shots, tmp_path):
    done = call('demo/image_demo.py', shots / 'more', run, '--out-dir', tmp_path, '--uncertainty')
    assert done.returncode == 0, done.stderr
    entropy = cv2.imread(str(tmp_path / 'c_entropy.png'), cv2.IMREAD_UNCHANGED)
    assert entropy.shape == (75, 31) and entropy.dtype == np.uint16
    assert len(np.unique(entropy)) > 50 and (entropy % 257).any()  # no 8 bits, stretched
    assert cv2.imread(str(tmp_path / 'c_uncertainty.png')).shape[2] == 3
    # one network without a bank: there is nothing to compare it with
    assert not list(tmp_path.glob('*_networks.png')) + list(tmp_path.glob('*_levels.png'))


def test_image_demo__a_folder_of_pictures_and_a_video(run, shots, tmp_path):
    done = call('demo/image_demo.py', shots, run, '--out-dir', tmp_path, '--batch-size', 2)
    assert done.returncode == 1
    assert 'left out: ' in done.stderr and 'broken.png is not a readable image' in done.stderr
    assert done.stderr.splitlines()[-1] == 'error: 1 of 5 files could not be read'
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob('*.*')}
    pictures = {
        f'{n}_{k}.png' for n in ('a', 'b', 'more/c') for k in ('overlay', 'color', 'labels')
    }
    frames = {f'drive_labels/{index:06d}.png' for index in range(3)}
    assert written == {*pictures, *frames, 'drive_overlay.mp4', 'legend.png'}
    labels = cv2.imread(str(tmp_path / 'more/c_labels.png'), cv2.IMREAD_UNCHANGED)
    assert labels.shape == (75, 31) and labels.max() < len(CLASSES)
    assert [frame.shape for frame in VideoFrames(tmp_path / 'drive_overlay.mp4')] == [
        (48, 64, 3)
    ] * 3


def test_demo__config_and_checkpoint_first(run, shots, tmp_path):
    done = call(
        'tools/demo.py',
        run / 'config.json',
        run / 'latest.pth',
        shots / 'a.png',
        *('--out-dir', tmp_path, '--scale', 2),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f'1 of 1 done: {tmp_path}'
    assert cv2.imread(str(tmp_path / 'a_overlay.png')).shape == (40, 56, 3)


@pytest.mark.parametrize(
    ('options', 'error'),
    [
        (['--opacity', '2'], '--opacity: expected 0 to 1, got 2.0'),
        (['--batch-size', '0'], '--batch-size: expected 1 or more, got 0'),
        (['--teacher'], 'teacher'),
    ],
)
def test_demo__mistakes_are_one_line(run, shots, options, error):
    done = call('demo/image_demo.py', shots / 'a.png', run, *options)
    assert done.returncode == 1
    assert error in done.stderr and 'Traceback' not in done.stderr


def test_image_demo__a_stream_until_it_ends(run, shots, tmp_path):
    with file_server() as server:
        server.files['/front/drive.mp4'] = (shots / 'drive.mp4').read_bytes()
        address = server.url('/front/drive.mp4')
        done = call('demo/image_demo.py', address, run, '--out-dir', tmp_path, '--batch-size', 2)
    assert done.returncode == 0, done.stderr
    (video,) = tmp_path.glob('127.0.0.1_*_front_drive_overlay.mp4')
    assert len(list(VideoFrames(video))) == len(list(tmp_path.glob('*_labels/*.png'))) == 3
    assert done.stdout.splitlines()[-1] == f'1 of 1 done: {tmp_path}'


def test_image_demo__a_camera_that_is_not_there_is_one_line(run):
    done = call('demo/image_demo.py', 63, run)
    assert done.returncode == 1 and done.stdout == ''
    assert done.stderr.splitlines()[-1].startswith('error: camera 63 cannot be opened')
    assert 'Traceback' not in done.stderr
