import numpy as np
import pytest
from cityscapesscripts.helpers.labels import labels as published

from mmseg.core.evaluation import get_classes, get_palette
from mmseg.core.evaluation.class_names import (
    CITYSCAPES_ID_TO_TRAIN_ID,
    SYNTHIA_CLASSES_13,
    SYNTHIA_CLASSES_16,
    SYNTHIA_ID_TO_TRAIN_ID,
    id_lookup_table,
)
from mmseg.utils.errors import UserError

TRAINED = sorted((x for x in published if 0 <= x.trainId < 255), key=lambda x: x.trainId)


@pytest.mark.parametrize(
    'alias', ['cityscapes', 'CityscapesDataset', 'gta', 'Synthia', 'DarkZurichDataset']
)
def test_get_classes__aliases_give_the_classes_of_cityscapes(alias):
    assert get_classes(alias) == [label.name for label in TRAINED]
    assert get_palette(alias) == [list(label.color) for label in TRAINED]


def test_get_classes__unknown_name_is_told_apart():
    with pytest.raises(UserError, match="'citscapes': did you mean 'cityscapes'"):
        get_classes('citscapes')


def test_label_ids__agree_with_the_published_table():
    assert {x.id: x.trainId for x in TRAINED} == CITYSCAPES_ID_TO_TRAIN_ID


def test_synthia_ids__cover_all_train_ids_once():
    assert sorted(SYNTHIA_ID_TO_TRAIN_ID.values()) == list(range(19))


def test_synthia_classes__leave_out_what_synthia_lacks():
    left_out = set(get_classes('cityscapes')) - set(SYNTHIA_CLASSES_16)
    assert left_out == {'terrain', 'truck', 'train'}
    assert set(SYNTHIA_CLASSES_16) - set(SYNTHIA_CLASSES_13) == {'wall', 'fence', 'pole'}


def test_id_lookup_table__unlisted_ids_are_ignored():
    table = id_lookup_table({7: 0, 300: 1}, size=512)
    np.testing.assert_array_equal(table[[7, 300, 8]], [0, 1, 255])
    assert table.dtype == np.uint8
