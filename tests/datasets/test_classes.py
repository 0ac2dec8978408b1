import numpy as np
import pytest

from mmseg.datasets.classes import choose_classes, choose_palette, label_map_between
from mmseg.utils.errors import UserError

OWN = ('road', 'sky', 'car')


def test_choose_classes__reads_a_file(tmp_path):
    names = tmp_path / 'names.txt'
    names.write_text('car\nroad\n')
    assert choose_classes(str(names), OWN) == ('car', 'road')
    with pytest.raises(UserError, match=r'nothing\.txt does not exist'):
        choose_classes(str(tmp_path / 'nothing.txt'), OWN)


def test_choose_classes__unknown_name_is_told_with_the_nearest():
    with pytest.raises(UserError, match="unknown class 'cars': did you mean 'car'"):
        choose_classes(['cars'], OWN)


def test_label_map__renames_and_ignores():
    assert label_map_between(OWN, ('car', 'road')) == {0: 1, 1: -1, 2: 0}
    assert label_map_between(OWN, OWN) is None
    assert label_map_between(None, ('a', 'b')) is None


def test_palette__follows_the_chosen_classes():
    own = [[1, 1, 1], [2, 2, 2], [3, 3, 3]]
    chosen = ('car', 'road')
    label_map = label_map_between(OWN, chosen)
    assert choose_palette(None, own, label_map, chosen) == [[3, 3, 3], [1, 1, 1]]


def test_palette__unknown_sets_get_colours_that_differ():
    colours = choose_palette(None, None, None, [str(i) for i in range(30)])
    assert len({tuple(colour) for colour in colours}) == 30
    assert colours == choose_palette(None, None, None, [str(i) for i in range(30)])


@pytest.mark.parametrize(
    ('palette', 'said'),
    [
        ([[0, 0, 0]], '3 classes .road, sky, car., got 1'),
        ([[0, 0, 0]] * 4, 'got 4'),
        ([], 'got 0'),
        ([[0, 0, 0], [0, 0], [0, 0, 0]], r'got \[0, 0\] at 1'),
        ([[0, 0, 0], [0, 0, 256], [0, 0, 0]], r'got \[0, 0, 256\] at 1'),
        ([[0, 0, 0], [0, 0, -1], [0, 0, 0]], r'got \[0, 0, -1\] at 1'),
        ([[0, 0, 0.5], [0, 0, 0], [0, 0, 0]], r'got \[0, 0, 0.5\] at 0'),
        ([0, 0, 0], 'got 0 at 0'),
        (['red', 'green', 'blue'], "got 'red' at 0"),
    ],
)
def test_palette__that_is_none_for_these_classes_is_refused(palette, said):
    with pytest.raises(UserError, match=f'palette: expected .*{said}'):
        choose_palette(palette, None, None, OWN)


def test_palette__may_be_tuples_or_an_array():
    colours = np.arange(9, dtype=np.uint8).reshape(3, 3)
    assert choose_palette([(1, 2, 3)] * 3, None, None, OWN) == [(1, 2, 3)] * 3
    np.testing.assert_array_equal(choose_palette(colours, None, None, OWN), colours)


def test_choose_classes__names_differ():
    with pytest.raises(UserError, match="'car' stands there twice"):
        choose_classes(['car', 'sky', 'car'], None)


def test_choose_classes__a_file_may_have_a_byte_order_mark_and_blank_lines(tmp_path):
    (tmp_path / 'names.txt').write_bytes(b'\xef\xbb\xbfroad\r\n\r\n car \r\n')
    assert choose_classes(str(tmp_path / 'names.txt'), OWN) == ('road', 'car')
