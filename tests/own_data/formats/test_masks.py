"""Masks as pictures: ids, palettes, colours by a table, a file or a channel for each class."""

import numpy as np
import pytest
from PIL import Image

from mmseg.own_data.formats.colour_tables import find_table, read_table
from mmseg.own_data.formats.detection import Options, read_labels
from mmseg.own_data.pictures import look_into
from mmseg.utils.errors import UserError
from tests.own_data.files import photographs, save

SIZE = (4, 2)  # width, height
ROAD, CAR, VOID = (128, 64, 128), (0, 0, 142), (0, 0, 0)


@pytest.fixture
def read(tmp_path):
    photographs(tmp_path / 'images', ['a.jpg', 'b.1.jpg'], SIZE)

    def call(**options):
        pictures = look_into(tmp_path / 'images').pictures
        return read_labels(tmp_path / 'masks', pictures, Options(**options))

    return call


def label_maps(reading):
    return {picture.name: labels().tolist() for picture, labels in reading.images}


def test_ids__a_palette_of_voc_gives_indices_its_colours_and_a_border_of_255(read, tmp_path):
    image = Image.fromarray(np.array([[0, 1, 255, 15], [0, 1, 255, 15]], np.uint8)).convert('L')
    image = image.convert('P')
    image.frombytes(bytes([0, 1, 255, 15] * 2))
    palette = [0] * 768
    palette[3:6], palette[45:48], palette[765:] = [128, 0, 0], [192, 128, 128], [224, 224, 192]
    image.putpalette(palette)
    (tmp_path / 'masks').mkdir()
    image.save(tmp_path / 'masks/a.png')
    reading = read()
    assert reading.format == 'label pictures of ids of a palette'
    assert label_maps(reading) == {'a': [[0, 1, 255, 2]] * 2}
    assert list(reading.colours.values()) == [[0, 0, 0], [128, 0, 0], [192, 128, 128]]
    assert any(line.startswith('255 (25.00% of the pixels)') for line in reading.lines)


def test_ids__one_bit_and_sixteen_bits(read, tmp_path):
    save(tmp_path / 'masks/a.png', np.array([[True, False, True, True]] * 2))
    assert Image.open(tmp_path / 'masks/a.png').mode == '1'
    assert label_maps(read()) == {'a': [[1, 0, 1, 1]] * 2}
    save(tmp_path / 'masks/a.png', np.array([[1000, 26001, 7, 7]] * 2, np.uint16))
    reading = read()
    assert label_maps(reading) == {'a': [[1, 2, 0, 0]] * 2}
    assert "26001 (25.00% of the pixels) is taken for 'class 2'" in reading.lines


def test_ids__pictures_are_not_taken_for_their_own_labels(tmp_path):
    photographs(tmp_path / 'both', ['a.png', 'a_mask.png'], SIZE)
    pictures = look_into(tmp_path / 'both').pictures
    with pytest.raises(UserError, match='are the same files: put them into two folders'):
        read_labels(tmp_path / 'both', pictures, Options())


def coloured(path, *row):
    save(path, np.array([row] * 2, np.uint8))


CSV = 'name,r,g,b\nroad,128,64,128\ncar,0,0,142\nVoid,0,0,0\n'


def test_colours__a_table_beside_them_names_the_classes_and_what_is_void(read, tmp_path):
    coloured(tmp_path / 'masks/a.png', ROAD, CAR, VOID, ROAD)
    coloured(tmp_path / 'masks/b.1.png', CAR, CAR, CAR, (1, 2, 3))
    (tmp_path / 'class_dict.csv').write_text(CSV)
    reading = read()
    assert reading.classes == ['road', 'car']
    assert label_maps(reading) == {'a': [[0, 1, 255, 0]] * 2, 'b.1': [[1, 1, 1, 255]] * 2}
    assert reading.lines[0] == f'colours: as {tmp_path}/class_dict.csv says'
    assert "'Void' is ignored" in reading.lines
    assert reading.lines[-1] == (
        '2 pixels (12.50%) are of no listed colour, but of 1 others, most often [1, 2, 3]: '
        'ignored; --nearest takes them for the nearest colour'
    )


def test_colours__blends_are_taken_for_the_nearest_only_where_that_is_asked_for(read, tmp_path):
    coloured(tmp_path / 'masks/a.png', ROAD, (100, 48, 130), (20, 8, 140), CAR)
    (tmp_path / 'masks/class_dict.csv').write_text(CSV)
    assert label_maps(read()) == {'a': [[0, 255, 255, 1]] * 2}
    reading = read(is_nearest=True)
    assert label_maps(reading) == {'a': [[0, 0, 1, 1]] * 2}
    # (28, 16, −2) from the road: √(784 + 256 + 4) = 32.3; (20, 8, −2) from the car: 21.6
    assert '4 pixels (50.00%)' in reading.lines[-1]
    assert 'taken for the nearest, up to 32 away in RGB' in reading.lines[-1]


def test_colours__jpegs_are_taken_by_the_nearest_colour_only(read, tmp_path):
    picture = np.full((64, 64, 3), CAR, np.uint8)
    picture[:, 32:] = ROAD
    photographs(tmp_path / 'images', ['a.jpg'], (64, 64))
    save(tmp_path / 'masks/a.jpg', picture)
    (tmp_path / 'table.txt').write_text('128 64 128\troad\n0 0 142\tcar\n')
    with pytest.raises(UserError, match=r'1 labels such as a\.jpg are of a kind that blurs'):
        read(table=tmp_path / 'table.txt')
    found = label_maps(read(table=tmp_path / 'table.txt', is_nearest=True))['a']
    assert np.mean(np.array(found) == np.repeat([1, 0], 32)) > 0.98


def test_colours__a_palette_is_read_by_its_colours_where_a_table_names_them(read, tmp_path):
    coloured(tmp_path / 'rgb.png', CAR, ROAD, ROAD, CAR)
    (tmp_path / 'masks').mkdir()
    Image.open(tmp_path / 'rgb.png').quantize(4).save(tmp_path / 'masks/a.png')
    (tmp_path / 'labelmap.txt').write_text(
        '# label:color_rgb:parts:actions\nroad:128,64,128::\ncar:0,0,142::\n'
    )
    assert label_maps(read()) == {'a': [[1, 0, 0, 1]] * 2}


def test_ids__are_places_in_a_table(read, tmp_path):
    save(tmp_path / 'masks/a.png', np.array([[0, 1, 2, 9]] * 2, np.uint8))
    (tmp_path / 'class_dict.csv').write_text(CSV)
    reading = read()
    assert label_maps(reading) == {'a': [[0, 1, 255, 255]] * 2}
    assert 'the labels hold ids: taken for places in the table, from 0' in reading.lines
    assert 'are of no listed id, but of 1 others, most often 9: ignored' in reading.lines[-1]


@pytest.mark.parametrize('pattern', ['{name}/{image}.png', '{image}_{name}.png'])
def test_class_files__a_mask_of_each_class_the_smaller_on_top(read, tmp_path, pattern):
    masks = {'leaf': [[0, 255, 0, 0]] * 2, 'soil': [[255, 255, 255, 0]] * 2}
    for name, values in masks.items():
        for image in ('a', 'b.1'):
            path = tmp_path / 'masks' / pattern.format(name=name, image=image)
            save(path, np.array(values, np.uint8))
    reading = read()
    assert reading.format == 'a mask file for each class'
    assert reading.classes == ['background', 'leaf', 'soil']
    assert label_maps(reading) == dict.fromkeys(['a', 'b.1'], [[2, 1, 2, 0]] * 2)
    assert label_maps(read(rest='ignore'))['a'] == [[1, 0, 1, 255]] * 2


def test_class_files__of_another_size_are_refused(read, tmp_path):
    save(tmp_path / 'masks/leaf/a.png', np.zeros((2, 4), np.uint8))
    save(tmp_path / 'masks/soil/a.png', np.zeros((3, 4), np.uint8))
    with pytest.raises(UserError, match=r'soil/a\.png is 4×3, its picture 4×2 \(width×height\)'):
        label_maps(read())


@pytest.mark.parametrize('axis', [0, 2])
def test_arrays__a_channel_a_class(read, tmp_path, axis):
    # Images of 40×30, so that it is plain which axis is the channels'.
    photographs(tmp_path / 'images', ['a.jpg'], (40, 30))
    channels = np.zeros((2, 30, 40), np.uint8)
    channels[0, :, :10], channels[1, :5] = 1, 1
    (tmp_path / 'masks').mkdir()
    np.save(tmp_path / 'masks/a.npy', np.moveaxis(channels, 0, axis))
    found = np.array(label_maps(read())['a'])
    assert found[29, 0] == 1 and found[0, 39] == 2 and found[29, 39] == 0
    assert found[0, 0] == 2  # 200 pixels lie on 300


def test_arrays__of_probabilities_or_ids_are_refused(read, tmp_path):
    (tmp_path / 'masks').mkdir()
    for array in (np.zeros((2, 2, 4), np.float32), np.zeros((2, 4), np.uint8)):
        np.save(tmp_path / 'masks/a.npy', array)
        with pytest.raises(UserError, match=r'a\.npy is an array .* expected whole numbers'):
            read()


@pytest.mark.parametrize(
    'text',
    [
        'name,r,g,b\nroad,128,64,128\n"traffic light", 0, 0, 142\n',
        '128 64 128 road\n0 0 142  traffic light\n',
        '# label:color_rgb:parts:actions\nroad:128,64,128::\ntraffic light:0,0,142:lamp:blink\n',
        'id;name;r;g;b\n0;road;128;64;128\n1;traffic light;0;0;142\n\n',
        '\ufeffroad\t128\t64\t128\r\ntraffic light\t0\t0\t142\r\n',
    ],
)
def test_read_table__forms_that_tables_have(tmp_path, text):
    path = tmp_path / 'class_dict.csv'
    path.write_text(text, encoding='utf-8')
    assert read_table(path) == {'road': ROAD, 'traffic light': CAR}
    assert find_table(tmp_path) == path


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('road,1,2,3\ncar,1,2\n', "line 2: expected a name and r, g, b, got 'car,1,2'"),
        ('road,1,2,3\ncar,1,2,300\n', 'line 2: expected colours up to 255'),
        ('road,1,2,3\ncar,1,2,3\n', 'line 2: .* stands there twice'),
        ('road,1,2,3\n', 'names 1 classes with a colour: expected 2 or more'),
    ],
)
def test_read_table__mistakes_are_told_with_their_line(tmp_path, text, message):
    path = tmp_path / 'class_dict.csv'
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_table(path)
    assert find_table(tmp_path) is None
