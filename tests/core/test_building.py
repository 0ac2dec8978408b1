"""Building from configs: what is accepted, and how mistakes are told."""

import pytest
from mmcv.utils import Registry

from mmseg.core.building import accepted_keywords, build_from_cfg
from mmseg.utils.errors import UserError

SHAPES = Registry('shape', build_func=build_from_cfg)


class Shape:
    def __init__(self, colour, *, border=0):
        self.colour = colour
        self.border = border


@SHAPES.register_module()
class Circle(Shape):
    def __init__(self, radius=1, **kwargs):
        super().__init__(**kwargs)
        self.radius = radius


@SHAPES.register_module()
class Faulty:
    def __init__(self):
        Shape()


@SHAPES.register_module()
def square(side):
    return side**2


def test_build__keywords_reach_the_class_and_its_bases():
    circle = SHAPES.build({'type': 'Circle', 'radius': 3, 'colour': 'red', 'border': 2})
    assert (circle.radius, circle.colour, circle.border) == (3, 'red', 2)


def test_build__config_is_left_as_it_was():
    cfg = {'type': 'square', 'side': 3}
    assert SHAPES.build(cfg) == 9
    assert cfg == {'type': 'square', 'side': 3}


def test_build__defaults_give_way_to_the_config():
    assert SHAPES.build({'type': 'square', 'side': 3}, default_args={'side': 4}) == 9
    assert SHAPES.build({'type': 'square'}, default_args={'side': 4}) == 16


def test_build__type_may_be_the_class_itself():
    assert isinstance(SHAPES.build({'type': Circle, 'colour': 'red'}), Circle)


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        ({'type': 'Circel'}, "no shape 'Circel'; did you mean 'Circle'?"),
        ({'type': 'x'}, 'available: Circle, Faulty, square'),
        ({'radius': 1}, 'lacks "type"'),
        ('Circle', 'expected a dict with a "type", got str'),
        ({'type': 'Circle', 'colour': 1, 'bordr': 2}, "no setting 'bordr'; did you mean 'border'"),
        ({'type': 'square', 'size': 1}, "square has no setting 'size'; did you mean 'side'"),
        ({'type': 'Circle'}, "Circle lacks settings: .* 'colour'"),
        ({'type': 'square'}, "square lacks settings: .* 'side'"),
    ],
)
def test_build__mistake_is_named(cfg, message):
    with pytest.raises(UserError, match=message):
        SHAPES.build(cfg)


def test_build__fault_inside_a_constructor_is_no_user_error():
    with pytest.raises(TypeError) as caught:
        SHAPES.build({'type': 'Faulty'})
    assert not isinstance(caught.value, UserError)


def test_accepted_keywords__open_function_takes_any():
    assert accepted_keywords(lambda **anything: anything) is None
