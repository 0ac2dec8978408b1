"""Regions and the label maps that they make, by hand."""

from functools import partial

import numpy as np
import pytest

from mmseg.own_data.formats.runs import coco_mask, from_runs, to_coco
from mmseg.own_data.formats.shapes import (
    Shape,
    box_ring,
    draw,
    ellipse_mask,
    pasted_mask,
    polygon_mask,
)
from mmseg.utils.errors import UserError


def rows(mask):
    return [''.join('#' if pixel else '.' for pixel in row) for row in mask]


def test_polygon_mask__a_box_from_2_1_to_6_4_is_4_times_3_pixels():
    mask = polygon_mask([box_ring(2, 1, 6, 4)], 5, 8)
    assert rows(mask) == ['........', '..####..', '..####..', '..####..', '........']


def test_polygon_mask__pixels_are_inside_by_their_centres():
    triangle = np.array([[0, 0], [4, 0], [0, 4]], float)
    # The slope passes through the centres of the anti-diagonal, which count to the right of it.
    assert rows(polygon_mask([triangle], 4, 4)) == ['###.', '##..', '#...', '....']
    assert rows(polygon_mask([box_ring(0.4, 0.6, 2.4, 2.6)], 3, 3)) == ['...', '##.', '##.']


def test_polygon_mask__parts_are_joined_and_what_lies_outside_is_cut_off():
    parts = [box_ring(-5, -5, 1, 1), box_ring(2, 1, 9, 9)]
    assert rows(polygon_mask(parts, 2, 4)) == ['#...', '..##']
    assert not polygon_mask([box_ring(10, 10, 20, 20)], 2, 4).any()


def test_polygon_mask__what_a_polygon_surrounds_twice_is_a_hole():
    ring = np.array(
        [[0, 0], [5, 0], [5, 5], [0, 5], [0, 0], [1, 1], [1, 4], [4, 4], [4, 1], [1, 1]]
    )
    mask = polygon_mask([ring.astype(float)], 5, 5)
    assert mask.sum() == 25 - 9 and not mask[2, 2]


def test_box_ring__a_quarter_turn_lays_a_box_on_its_side():
    assert rows(polygon_mask([box_ring(1, 2, 5, 4, 90)], 6, 6)) == [
        '......',
        *['..##..'] * 4,
        '......',
    ]


def test_ellipse_mask__a_circle_and_an_ellipse_turned():
    circle = ellipse_mask((2.5, 2.5), (2, 2), 0, 5, 5)
    assert rows(circle) == ['..#..', '.###.', '#####', '.###.', '..#..']
    lying, standing = (ellipse_mask((3, 3), (3, 1), turn, 6, 6) for turn in (0, 90))
    assert np.array_equal(lying.T, standing) and lying.sum() > 0


def test_pasted_mask__a_patch_at_its_place_may_stick_out():
    patch = np.ones((2, 3), bool)
    assert rows(pasted_mask(patch, 2, 1, 3, 4)) == ['....', '..##', '..##']
    assert rows(pasted_mask(patch, -2, -1, 3, 4)) == ['#...', '....', '....']
    assert not pasted_mask(patch, 9, 9, 3, 4).any() and not pasted_mask(patch, -9, 0, 3, 4).any()


def test_from_runs__run_along_rows_or_columns():
    assert rows(from_runs([1, 2, 3], 2, 3)) == ['.##', '...']
    assert rows(from_runs([1, 2, 3], 2, 3, order='F')) == ['.#.', '#..']
    with pytest.raises(UserError, match='runs of 5 pixels do not fill a mask of 3×2'):
        from_runs([1, 4], 2, 3)


def test_to_coco__is_what_coco_reads():
    mask = np.random.default_rng(0).random((7, 11)) > 0.6
    encoded = to_coco(mask)
    assert encoded['size'] == [7, 11] and isinstance(encoded['counts'], str)
    assert np.array_equal(coco_mask(encoded, 7, 11), mask)
    with pytest.raises(UserError, match='size'):
        coco_mask(encoded, 11, 7)


def square(name, left, top, side, level=0):
    ring = box_ring(left, top, left + side, top + side)
    return Shape(name, partial(polygon_mask, [ring]), level)


def test_draw__the_later_or_the_smaller_shape_is_on_top():
    shapes = [square('small', 1, 0, 1), square('large', 0, 0, 3)]
    index_of = {'small': 1, 'large': 2}
    assert draw(shapes, (4, 1), index_of, 0).tolist() == [[2, 2, 2, 0]]
    assert draw(shapes, (4, 1), index_of, 0, 'smaller').tolist() == [[2, 1, 2, 0]]


def test_draw__a_higher_level_is_on_top_whatever_its_size():
    shapes = [square('large', 0, 0, 3, level=1), square('small', 1, 0, 1)]
    assert draw(shapes, (4, 1), {'small': 1, 'large': 2}, 255, 'smaller').tolist() == [
        [2, 2, 2, 255]
    ]


def test_draw__a_class_without_a_number_is_ignored():
    assert draw([square('crowd', 0, 0, 1)], (2, 1), {}, 0).tolist() == [[255, 0]]
