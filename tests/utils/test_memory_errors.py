import cv2
import numpy as np
import pytest
import torch

from mmseg.utils.cli import run_cli
from mmseg.utils.decoding import decode_image
from mmseg.utils.errors import UserError
from mmseg.utils.memory_errors import memory_problem

HUGE = 1 << 46


def numpy_array():
    np.empty(HUGE)


def torch_tensor():
    torch.empty(HUGE)


def opencv_image():
    raise cv2.error('(-4:Insufficient memory) Failed to allocate 300000000 bytes')


def python():
    raise MemoryError


@pytest.mark.parametrize('allocate', [numpy_array, torch_tensor, opencv_image, python])
def test_run_cli__want_of_memory_is_one_line(allocate, capsys):
    with pytest.raises(SystemExit) as caught:
        run_cli(allocate)
    line = capsys.readouterr().err
    assert caught.value.code == 1
    assert line.startswith('error: out of memory') and line.count('\n') == 1


@pytest.mark.parametrize('error', [ValueError('a'), RuntimeError('size mismatch'), cv2.error('x')])
def test_memory_problem__other_errors(error):
    assert memory_problem(error) is None


def test_decode_image__more_pixels_than_opencv_takes(monkeypatch):
    def refuse(*_):
        raise cv2.error("(-215:Assertion failed) pixels <= CV_IO_MAX_IMAGE_PIXELS in 'validate'")

    monkeypatch.setattr(cv2, 'imdecode', refuse)
    with pytest.raises(UserError, match='set the environment variable OPENCV_IO_MAX_IMAGE_PIXELS'):
        decode_image(bytes(2_000_000))
    assert decode_image(bytes(2000)) is None  # so small a file is a damaged one


def test_decode_image__memory_that_does_not_suffice_is_no_damaged_file(monkeypatch):
    def refuse(*_):
        raise cv2.error('(-4:Insufficient memory) Failed to allocate 300000000 bytes')

    monkeypatch.setattr(cv2, 'imdecode', refuse)
    with pytest.raises(MemoryError, match='300000000'):
        decode_image(bytes(2000))
