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
