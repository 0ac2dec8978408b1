import pytest

from mmseg.core.picture_box import PictureBox, picture_box


@pytest.mark.parametrize(
    ('meta', 'size', 'box'),
    [
        ({}, (8, 9), (0, 0, 8, 9)),
        ({'img_shape': (5, 6, 3), 'pad_shape': (8, 9, 3)}, (8, 9), (0, 0, 5, 6)),
        ({'img_shape': (5, 6), 'pad_shape': (8, 9)}, (8, 9), (0, 0, 5, 6)),
        ({'img_shape': (8, 9, 3), 'pad_shape': (8, 9, 3)}, (8, 9), (0, 0, 8, 9)),
        # facts about another image than this one
        ({'img_shape': (5, 6, 3), 'pad_shape': (7, 9, 3)}, (8, 9), (0, 0, 8, 9)),
        ({'img_shape': (50, 60, 3), 'pad_shape': (8, 9, 3)}, (8, 9), (0, 0, 8, 9)),
        ({'picture_box': (3, 2, 5, 6), 'img_shape': (5, 6, 3)}, (8, 9), (3, 2, 5, 6)),
        ({'picture_box': (3, 4, 5, 6)}, (8, 9), (0, 0, 8, 9)),
    ],
)
def test_picture_box__is_told_by_the_facts_that_fit_the_image(meta, size, box):
    assert picture_box(meta, size) == PictureBox(*box)


def test_picture_box__moves_with_flips_and_scales():
    box = PictureBox(0, 0, 5, 6)
    assert box.flipped((8, 9), 'horizontal') == (0, 3, 5, 6)
    assert box.flipped((8, 9, 3), 'vertical') == (3, 0, 5, 6)
    assert box.flipped((8, 9), 'vertical').flipped((8, 9), 'horizontal') == (3, 3, 5, 6)
    assert PictureBox(2, 3, 5, 6).resized((8, 9), (16, 27)) == (4, 9, 10, 18)
    assert PictureBox(0, 0, 1, 1).resized((100, 100), (10, 10)) == (0, 0, 1, 1)
