import json

import pytest

from mmseg.datasets.listing import (
    converted_label_suffixes,
    files_below,
    images_below,
    is_within,
    refuse_dead_links,
    there_instead,
)
from mmseg.utils.errors import UserError


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_files_below__follows_links_and_leaves_out_what_is_hidden(tmp_path):
    store = write(tmp_path / 'store', 'city/1.png', 'one.png')
    root = write(tmp_path / 'root', 'b/2.png', 'a.png', '.hidden.png', '.cache/3.png', 'a.txt')
    (root / 'linked').symlink_to(store / 'city')
    (root / 'z.png').symlink_to(store / 'one.png')
    assert files_below(root, '.png') == ['a.png', 'b/2.png', 'linked/1.png', 'z.png']


def test_files_below__a_link_to_a_folder_above_ends(tmp_path):
    root = write(tmp_path, 'a/1.png')
    (root / 'a/again').symlink_to(root)
    assert files_below(root) == ['a/1.png']


def test_refuse_dead_links__counts_and_names(tmp_path):
    root = write(tmp_path, '1.png')
    (root / '2.png').symlink_to('gone.png')
    assert files_below(root) == ['1.png', '2.png']
    refuse_dead_links(root, ['1.png'])
    with pytest.raises(UserError, match=r'1 of 2 files .* links to nothing.*2\.png -> gone\.png'):
        refuse_dead_links(root, ['1.png', '2.png'])


@pytest.mark.parametrize('end', ['_mask', '_labelTrainIds', '.label', '-gt'])
def test_images_below__label_maps_beside_them_are_none(tmp_path, end):
    root = write(tmp_path, *(f'{i}{part}.png' for i in range(3) for part in ('', end)))
    assert images_below(root, '.png', {f'{end}.png'}) == ['0.png', '1.png', '2.png']


def test_images_below__a_label_suffix_that_all_images_have_leaves_none_out(tmp_path):
    root = write(tmp_path, '0_leftImg8bit.png', '1_leftImg8bit.png')
    assert len(images_below(root, '_leftImg8bit.png', {'.png', '_leftImg8bit.png'})) == 2


def test_images_below__names_what_looks_like_label_maps(tmp_path, capsys):
    images_below(write(tmp_path, '0.png', '0_seg.png', '1.png', '1_seg.png'), '.png', ())
    assert "set seg_map_suffix='_seg.png'" in ' '.join(capsys.readouterr().out.split())
    images_below(write(tmp_path / 'more', 'a_1.png', 'a_2.png', 'b_1.png'), '.png', ())
    assert not capsys.readouterr().out


def test_converted_label_suffixes__come_from_the_mapping_that_was_used(tmp_path):
    (tmp_path / 'set/all').mkdir(parents=True)
    assert converted_label_suffixes(tmp_path, tmp_path) == set()
    mapping = {'labels': 'all', 'label_suffix': '_mask.png', 'classes': {}}
    used = tmp_path / 'set/converted_with.json'
    used.write_text(json.dumps(mapping))
    for root in (tmp_path, tmp_path / 'set', tmp_path / 'elsewhere'):
        assert converted_label_suffixes(root, tmp_path / 'set/all') == {'_mask.png'}
        assert converted_label_suffixes(root, tmp_path / 'set/images') == set()
    used.write_text('[]')
    assert converted_label_suffixes(tmp_path, tmp_path / 'set/all') == set()


def test_is_within__follows_links(tmp_path):
    (tmp_path / 'a/b').mkdir(parents=True)
    (tmp_path / 'link').symlink_to(tmp_path / 'a')
    assert is_within(tmp_path / 'link/b', tmp_path / 'a') and is_within(tmp_path, tmp_path)
    assert not is_within(tmp_path / 'a', tmp_path / 'a/b')


def test_there_instead__says_how_names_end(tmp_path):
    root = write(tmp_path, 'a.JPG', 'b.JPG', 'c.txt')
    assert there_instead(root, 'img_suffix').endswith(
        'holds 2 *.JPG, 1 *.txt; set img_suffix to the end of their names'
    )
    (tmp_path / 'none').mkdir()
    assert there_instead(tmp_path / 'none', 'x').endswith('holds no files')


@pytest.mark.parametrize('other', ['b.PNG', 'day/b.Png', 'c.pNg'])
def test_images_below__names_suffixes_in_other_capitals(tmp_path, other, capsys):
    assert images_below(write(tmp_path, 'a.png', other, 'd.jpg'), '.png', ()) == ['a.png']
    said = ' '.join(capsys.readouterr().out.split())
    assert 'warning: 1 files below' in said and f'only, as {other}; rename them' in said
