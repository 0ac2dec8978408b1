import numpy as np
import pytest

from mmseg.apis.media import VideoFile, VideoFrames, find_media, is_video
from mmseg.utils.errors import UserError


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
