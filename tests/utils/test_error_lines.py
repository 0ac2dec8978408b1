import json

import numpy as np
import pytest

from mmseg.utils.error_lines import causes, error_line


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError('nothing was raised')


def own_fault():
    raise RuntimeError('BadStep wants\n three channels')


def test_error_line__names_class_text_and_place():
    line = error_line(caught(own_fault))
    assert line.startswith('RuntimeError: BadStep wants three channels (')
    assert line.endswith(f'line {own_fault.__code__.co_firstlineno + 1}, in own_fault)')


@pytest.mark.parametrize(
    'call', [lambda: json.loads('{'), lambda: np.zeros(3).reshape(2, 2), lambda: int('x')]
)
def test_error_line__the_place_is_ones_own_and_no_librarys(call):
    line = error_line(caught(call))
    assert 'test_error_lines.py, line ' in line and 'in <lambda>)' in line


def test_error_line__an_error_without_a_text_is_its_name():
    assert error_line(KeyboardInterrupt()) == 'KeyboardInterrupt'


def test_error_line__a_long_text_is_cut():
    assert len(error_line(ValueError('x' * 10_000))) < 500


def test_causes__go_back_to_the_first_and_end_in_a_circle():
    first, second = ValueError('a'), KeyError('b')
    second.__cause__ = first
    assert list(causes(second)) == [second, first]
    first.__cause__ = second
    assert list(causes(second)) == [second, first]
    assert list(causes(None)) == []
