"""What is found in a folder."""

import pytest
from PIL import Image

from mmseg.own_data.pictures import described, look_into, typical_size
from mmseg.utils.errors import UserError

from .files import photographs


def test_look_into__finds_pictures_of_any_name_kind_and_depth(tmp_path):
    names = ['a.png', 'b c.JPG', 'täg/ü.png', 'deep/er/d.webp', 'e.bmp']
    photographs(tmp_path, names)
    (tmp_path / 'notes.txt').write_text('no picture')
    (tmp_path / 'drive.mp4').write_bytes(b'no picture either')
    (tmp_path / 'broken.png').write_bytes(b'cut off')
    (tmp_path / '.hidden.png').write_bytes(b'')
    (tmp_path / 'link').symlink_to(tmp_path / 'deep')
    found = look_into(tmp_path)
    assert [picture.name for picture in found.pictures] == [
        *('a', 'b c', 'deep/er/d', 'e', 'link/er/d', 'täg/ü')
    ]
    lines = '\n'.join(described(found, 'source'))
    assert 'source: 6 pictures in ' in lines and '64×48 (6)' in lines and 'RGB (6)' in lines
    assert '2 files left out (no picture by its name), such as drive.mp4' in lines
    assert '1 files left out (can not be read), such as broken.png' in lines


def test_look_into__sizes_are_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (40, 20)).save(tmp_path / 'turned.jpg', exif=exif)
    assert [picture.size for picture in look_into(tmp_path).pictures] == [(20, 40)]


def test_look_into__nothing_there_is_told(tmp_path):
    with pytest.raises(UserError, match='there is no folder'):
        look_into(tmp_path / 'none')
    (tmp_path / 'film.avi').write_bytes(b'')
    with pytest.raises(UserError, match=r'1 files: no picture by its name\. Videos have to be'):
        look_into(tmp_path)


def test_typical_size__is_the_median(tmp_path):
    photographs(tmp_path, ['a.png', 'b.png'])
    photographs(tmp_path, ['c.png'], (10, 10))
    assert typical_size(look_into(tmp_path).pictures) == (64, 48)
