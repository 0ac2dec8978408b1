import numpy as np
import pytest

from mmseg.apis.media import (
    VideoFile,
    VideoFrames,
    VideoStream,
    find_media,
    is_stream,
    is_video,
    stream_name,
)
from mmseg.utils.errors import UserError
from tests.file_server import file_server


@pytest.fixture
def folder(tmp_path):
    for name in ('a.png', 'b.jpg', 'b.png', 'sub/a.JPG', 'sub/clip.mp4', 'notes.txt', '.x.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_find_media__a_folder_gives_all_below_it_under_names_of_their_own(folder):
    found = find_media(folder)
    assert list(found) == ['a', 'b.jpg', 'b.png', 'sub/a', 'sub/clip']
    assert found['sub/a'] == folder / 'sub/a.JPG'
    assert [name for name, path in found.items() if is_video(path)] == ['sub/clip']


def test_find_media__a_file_and_patterns(folder):
    assert find_media(folder / 'a.png') == {'a': folder / 'a.png'}
    assert list(find_media(f'{folder}/*.png')) == ['a', 'b']
    assert list(find_media(f'{folder}/**/a.*')) == ['a', 'sub/a']
    assert list(find_media(f'{folder}/su?/*')) == ['sub/a', 'sub/clip']


@pytest.mark.parametrize('place', ['absent', 'absent/*.png', 'sub/*.txt'])
def test_find_media__nothing_there(folder, place):
    with pytest.raises(UserError, match='no picture or video at'):
        find_media(folder / place)


def test_video__frames_come_back_in_order(tmp_path):
    pictures = [np.full((48, 64, 3), shade, np.uint8) for shade in (20, 120, 220)]
    with VideoFile(tmp_path / 'new' / 'v.mp4', rate=10) as video:
        for picture in pictures:
            video.add(picture)
    frames = VideoFrames(tmp_path / 'new' / 'v.mp4')
    assert len(frames) == 3 and frames.rate == pytest.approx(10)
    for frame, picture in zip(frames, pictures, strict=True):
        assert frame.shape == picture.shape
        assert abs(frame.astype(int) - picture).max() < 8
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['v.mp4']


def test_video__an_interrupted_one_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), VideoFile(tmp_path / 'v.mp4', rate=10) as video:
        video.add(np.zeros((48, 64, 3), np.uint8))
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_video__a_file_that_is_none(tmp_path):
    (tmp_path / 'x.mp4').write_bytes(b'no video')
    with pytest.raises(UserError, match='cannot be read as a video'):
        VideoFrames(tmp_path / 'x.mp4')


@pytest.mark.parametrize(
    ('place', 'expected', 'name'),
    [
        ('0', True, 'camera0'),
        ('12', True, 'camera12'),
        ('/dev/video3', None, 'camera3'),
        ('rtsp://user:secret@10.0.0.2:554/front', True, '10.0.0.2_554_front'),
        ('RTSP://10.0.0.2/front.sdp', True, '10.0.0.2_front'),
        ('http://cam.local/video.mjpg?size=2', True, 'cam.local_video'),
        ('udp://@:5000', True, '5000'),
        ('shots/0', False, None),
        ('a.mp4', False, None),
        ('s3://bucket/a.mp4', False, None),
    ],
)
def test_is_stream__cameras_and_addresses(place, expected, name):
    if expected is not None:
        assert is_stream(place) == expected
    if name is not None:
        assert stream_name(place) == name


def test_is_stream__a_folder_that_is_called_like_a_camera_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_stream('7')
    (tmp_path / '7').mkdir()
    assert not is_stream('7')


@pytest.mark.parametrize(
    'place', ['63', '/dev/video62', 'rtsp://127.0.0.1:9/x', 'http://127.0.0.1:9/x.mjpg']
)
def test_video_stream__one_that_cannot_be_opened_is_one_line(place, capfd):
    with pytest.raises(
        UserError, match=r'(camera 6\d|the stream .*) cannot be opened: is it there'
    ):
        VideoStream(place)
    assert capfd.readouterr() == ('', '')


def test_video_stream__frames_of_an_address_come_until_it_ends(tmp_path):
    shades = (20, 120, 220, 60)
    with VideoFile(tmp_path / 'v.mp4', rate=10) as video:
        for shade in shades:
            video.add(np.full((48, 64, 3), shade, np.uint8))
    with file_server() as server:
        server.files['/live.mp4'] = (tmp_path / 'v.mp4').read_bytes()
        stream = VideoStream(server.url('/live.mp4'))
        frames = list(stream)
    assert stream.rate == pytest.approx(10)
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 4
    for frame, shade in zip(frames, shades, strict=True):
        assert abs(frame.astype(int) - shade).max() < 8
