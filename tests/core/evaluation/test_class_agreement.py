import numpy as np
import pytest

from mmseg.core.evaluation import check_same_classes, class_difference, get_classes
from mmseg.utils.errors import UserError

STREET = ['road', 'car', 'sky']


@pytest.mark.parametrize(
    'sides',
    [
        {},
        {'the head': 3},
        {'the head': 3, 'data.val': STREET},
        {'the checkpoint': tuple(STREET), 'data.val': STREET, 'the head': 3},
        {'the checkpoint': None, 'data.val': STREET, 'data.test': None},
        {'GTA': get_classes('gta'), 'Cityscapes': get_classes('cityscapes'), 'the head': 19},
        {'the checkpoint': np.array(STREET), 'data.val': STREET},
        {'the checkpoint': ['0', '1', '2'], 'data.val': STREET},
        {'the head': 3, 'the checkpoint': STREET, 'data.val': ('0', '1', '2')},
    ],
)
def test_class_difference__sides_that_agree_or_do_not_know(sides):
    assert class_difference(sides) is None
    check_same_classes(sides)


@pytest.mark.parametrize(
    'sides, told',
    [
        (
            {'the head': 9, 'data.test': STREET},
            'the head has 9, data.test has 3 (road, car, sky)',
        ),
        (
            {'the checkpoint a.pth': ['object'], 'data.test': STREET},
            'the checkpoint a.pth has 1 (object), data.test has 3 (road, car, sky)',
        ),
        (
            {'the checkpoint': get_classes('gta'), 'the head': 2},
            'the checkpoint has 19 (road, sidewalk, building, wall, fence, pole, …), the head has',
        ),
        (
            {'data.val': STREET, 'data.test': ['road', 'bus', 'sky']},
            "class 1 is 'car' in data.val and 'bus' in data.test; give both",
        ),
        (
            {'the checkpoint': STREET, 'data.test': ['sky', 'road', 'car']},
            "class 0 is 'road' in the checkpoint and 'sky' in data.test, and 2 more (the same",
        ),
        (
            {
                'the head': 3,
                'data.train': STREET,
                'data.val': None,
                'data.test': ['Road', *STREET[1:]],
            },
            "class 0 is 'road' in data.train and 'Road' in data.test",
        ),
        (
            {'the checkpoint': ['0', '1'], 'data.val': STREET},
            'the checkpoint has 2, data.val has 3',
        ),
        ({'the head': 3, 'the auxiliary head': 19}, 'the head has 3, the auxiliary head has 19'),
    ],
)
def test_class_difference__names_both_sides(sides, told):
    assert told in class_difference(sides)
    with pytest.raises(UserError, match='classes differ: '):
        check_same_classes(sides)
