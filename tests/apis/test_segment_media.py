import numpy as np
import pytest

from mmseg.apis import Segmenter, init_segmentor
from mmseg.apis.media import VideoFrames
from mmseg.apis.segment_media import Drawing, segment_video
from mmseg.utils.errors import UserError
from tests.apis.tiny import write_run


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp('run'))


class Camera:
    """A camera that somebody stops by Ctrl-C after some frames."""

    rate = 10.0

    def __init__(self, num_frames):
        self.num_frames = num_frames

    def __iter__(self):
        for shade in range(self.num_frames):
            yield np.full((48, 64, 3), 40 * shade, np.uint8)
        raise KeyboardInterrupt


@pytest.mark.parametrize('num_frames', [1, 3])
def test_segment_video__ctrl_c_ends_a_stream_and_keeps_what_was_seen(
    run, tmp_path, capsys, num_frames
):
    segmenter = Segmenter(init_segmentor(run / 'config.json', run / 'latest.pth', 'cpu'))
    segment_video(segmenter, Camera(num_frames), 'camera0', tmp_path / 'camera0', Drawing())
    assert len(list(VideoFrames(tmp_path / 'camera0_overlay.mp4'))) == num_frames
    assert f'stopped after {num_frames} frames' in capsys.readouterr().out
    with pytest.raises(UserError, match='camera0 holds no frame'):
        segment_video(segmenter, Camera(0), 'camera0', tmp_path / 'nothing', Drawing())
