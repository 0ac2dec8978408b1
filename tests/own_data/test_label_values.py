"""What stands in label files."""

import numpy as np
import pytest

from mmseg.own_data.label_values import look_at_labels, propose_classes
from mmseg.own_data.pictures import look_into
from mmseg.utils.errors import UserError

from .files import id_maps, photographs, save

ROAD, SKY, CAR = [128, 64, 128], [70, 130, 180], [0, 0, 142]


def coloured(folder, *rows):
    save(folder / 'a.png', np.repeat(np.array(rows, np.uint8)[:, None], 20, axis=1))
    return look_into(folder).pictures


def test_propose_classes__ids_are_a_class_each_and_255_is_ignored(tmp_path):
    labels = look_into(id_maps(tmp_path, ['a.png', 'b.png'], (0, 7, 255))).pictures
    values = look_at_labels(labels)
    assert not values.is_coloured and sum(values.shares.values()) == pytest.approx(1)
    found = propose_classes(values)
    assert found.classes == {'class 0': {'labels': [0]}, 'class 1': {'labels': [7]}}
    assert any(line.startswith('255 (') and 'ignored' in line for line in found.lines)


def test_propose_classes__a_mask_of_0_and_255_is_two_classes(tmp_path):
    values = look_at_labels(look_into(id_maps(tmp_path, ['a.png'], (0, 255))).pictures)
    assert [c['labels'] for c in propose_classes(values).classes.values()] == [[0], [255]]


def test_propose_classes__colours_of_cityscapes_have_their_names(tmp_path):
    values = look_at_labels(coloured(tmp_path, ROAD, SKY, CAR, SKY))
    assert values.is_coloured
    found = propose_classes(values).classes
    assert {name: entry['labels'] for name, entry in found.items()} == {
        'road': [ROAD],
        'sky': [SKY],
        'car': [CAR],
    }


def test_propose_classes__other_colours_are_numbered(tmp_path):
    found = propose_classes(look_at_labels(coloured(tmp_path, [1, 2, 3], [200, 0, 0]))).classes
    assert found['class 1'] == {'labels': [[200, 0, 0]], 'color': [200, 0, 0]}


def test_propose_classes__blended_borders_are_no_classes(tmp_path):
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[100:] = (200, 0, 0)
    picture[100, :60, 1] = np.arange(60)  # sixty shades, a pixel each
    save(tmp_path / 'a.png', picture)
    found = propose_classes(look_at_labels(look_into(tmp_path).pictures))
    assert len(found.classes) == 2
    assert 'as blended borders do: ignored' in found.lines[0]


def test_look_at_labels__jpegs_and_mixed_kinds_are_refused(tmp_path):
    photographs(tmp_path / 'lossy', ['a.jpg'])
    with pytest.raises(UserError, match=r'1 labels such as a\.jpg are of a kind that blurs'):
        look_at_labels(look_into(tmp_path / 'lossy').pictures)
    id_maps(tmp_path / 'mixed', ['a.png'])
    photographs(tmp_path / 'mixed', ['b.png'])
    with pytest.raises(UserError, match=r'some labels hold colours \(b\.png\), others ids \(a'):
        look_at_labels(look_into(tmp_path / 'mixed').pictures)


def test_propose_classes__one_value_or_too_many_need_a_mapping(tmp_path):
    one = look_at_labels(look_into(id_maps(tmp_path / 'one', ['a.png'], (5,))).pictures)
    with pytest.raises(UserError, match='the labels hold 1 values that could be classes'):
        propose_classes(one)
