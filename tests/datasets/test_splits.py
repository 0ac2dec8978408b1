import codecs

import pytest

from mmseg.datasets.splits import FileNames, SplitEntry, read_split
from mmseg.utils.errors import UserError

from .layouts import photograph, write_png


@pytest.fixture
def root(tmp_path):
    """Images `photos/day/<i>.jpg`, labels `masks/day/<i>_mask.png`, and names with blanks."""
    for i in range(3):
        write_png(tmp_path / f'photos/day/{i}.jpg', photograph(i, 4, 5))
        write_png(tmp_path / f'masks/day/{i}_mask.png', photograph(i, 4, 5))
    write_png(tmp_path / 'photos/a b, c.jpg', photograph(3, 4, 5))
    write_png(tmp_path / 'photos/other.png', photograph(4, 4, 5))
    return tmp_path


def entries(root, text, with_labels=True):
    path = root / 'split.txt'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    labels = FileNames(str(root / 'masks'), '_mask.png', str(root)) if with_labels else None
    images = FileNames(str(root / 'photos'), '.jpg', str(root))
    return read_split(str(path), images, labels)


def names(root, text, **kwargs):
    return [entry.image for entry in entries(root, text, **kwargs)]


@pytest.mark.parametrize(
    'line',
    [
        *('day/0', 'day/0.jpg', './day/0', 'day//0.jpg', r'day\0', 'photos/day/0.jpg'),
        *('photos/day/0', '{root}/photos/day/0.jpg', '{root}/photos/day/0', '"day/0.jpg"'),
    ],
)
def test_an_image__may_be_called_in_many_ways(root, line):
    assert names(root, f'{line.format(root=root)}\n') == ['day/0.jpg']


@pytest.mark.parametrize('between', [' ', '\t', ',', ', ', ';', '   ', '\t\t'])
@pytest.mark.parametrize(
    'pair',
    [
        ('day/0.jpg', 'day/2_mask.png'),
        ('day/0', 'day/2'),
        ('photos/day/0.jpg', 'masks/day/2_mask.png'),
        ('{root}/photos/day/0.jpg', '{root}/masks/day/2_mask.png'),
    ],
)
def test_pairs__choose_the_label(root, between, pair):
    line = between.join(part.format(root=root) for part in pair)
    assert entries(root, line) == [SplitEntry('day/0.jpg', 'day/2_mask.png')]
    assert entries(root, line, with_labels=False) == [SplitEntry('day/0.jpg')]


def test_names_with_blanks_and_commas__are_whole(root):
    assert names(root, 'a b, c\na b, c.jpg\n') == ['a b, c.jpg'] * 2


def test_another_suffix__is_taken_where_it_is_written_out(root):
    assert names(root, 'other.png') == ['other.png']


@pytest.mark.parametrize(
    'text',
    [
        codecs.BOM_UTF8 + b'day/0\nday/1\n',
        b'day/0\r\nday/1\r\n',
        b'day/0\rday/1',
        'day/0\nday/1\n'.encode('utf-16'),
        codecs.BOM_UTF16_BE + 'day/0\r\nday/1'.encode('utf-16-be'),
        b'# the first two\n\n  day/0  \n\t\nday/1\n#day/2\n',
    ],
    ids=['BOM', 'CRLF', 'CR', 'UTF-16', 'UTF-16 BE', 'comments and blanks'],
)
def test_encodings_and_line_ends__do_not_matter(root, text):
    assert names(root, text) == ['day/0.jpg', 'day/1.jpg']


@pytest.mark.parametrize(
    ('text', 'number', 'line'),
    [
        ('day/0\nday/7\nday/8\n', 2, 'day/7'),
        ('\n\nday/0.png\n', 3, 'day/0.png'),
        ('image,label\nday/0,day/0\n', 1, 'image,label'),
        ('day/0 day/9_mask.png\n', 1, 'day/0 day/9_mask.png'),
        ('day/0 day/0 day/0\n', 1, 'day/0 day/0 day/0'),
        ('/elsewhere/day/0.jpg\n', 1, '/elsewhere/day/0.jpg'),
        ('../photos/day/0.jpg', 1, '../photos/day/0.jpg'),
    ],
)
def test_lines_that_name_nothing__are_told_with_their_number(root, text, number, line):
    with pytest.raises(UserError, match=r'split\.txt') as error:
        entries(root, text)
    said = str(error.value)
    assert f'line {number}: {line!r} names no file' in said and 'with or without .jpg' in said


def test_other_encodings__are_told(root):
    with pytest.raises(UserError, match=r'split\.txt cannot be read: .*save it as text in UTF-8'):
        entries(root, 'Straßen/0\n'.encode('latin-1'))


def test_images_named_twice__count_twice_and_are_told(root, capsys):
    assert names(root, 'day/0\nday/1\nday/0.jpg\n') == ['day/0.jpg', 'day/1.jpg', 'day/0.jpg']
    said = ' '.join(capsys.readouterr().out.split())
    assert 'names 1 images more than once, the first is day/0.jpg' in said


def test_an_empty_split__holds_nothing(root):
    assert names(root, '\n# nothing yet\n') == []
