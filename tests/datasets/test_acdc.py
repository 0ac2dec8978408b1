import cv2
import numpy as np
import pytest

from mmseg.datasets import ACDCDataset, build_dataset
from mmseg.utils.errors import UserError

from .conftest import TEST_PIPELINE
from .layouts import write_acdc


@pytest.fixture
def make_acdc(tmp_path):
    """Builds ACDC from a folder as it is unpacked."""
    root = write_acdc(tmp_path / 'acdc')

    def make(**kwargs):
        settings = {'data_root': str(root), 'ann_dir': 'gt', 'pipeline': TEST_PIPELINE}
        return ACDCDataset(**{**settings, 'test_mode': True, **kwargs})

    return make


def names_of(dataset):
    return [info['filename'] for info in dataset.img_infos]


def test_acdc__a_part_holds_its_images_of_all_conditions(make_acdc):
    names = names_of(make_acdc(part='train'))
    assert len(names) == 8 and all('/train/' in name for name in names)
    assert {name.split('/')[0] for name in names} == {'fog', 'night', 'rain', 'snow'}


def test_acdc__conditions_can_be_chosen(make_acdc):
    names = names_of(make_acdc(part='val', conditions=['night', 'snow']))
    assert len(names) == 4 and {name.split('/')[0] for name in names} == {'night', 'snow'}


def test_acdc__rearranged_folders_hold_the_same_images(make_acdc, tmp_path):
    root = {'data_root': str(write_acdc(tmp_path / 'flat', rearranged=True))}
    published = make_acdc(**root, img_dir='rgb_anon/val', ann_dir='gt/val')
    as_unpacked = [name.rsplit('/')[-1] for name in names_of(make_acdc(part='val'))]
    assert names_of(published) == as_unpacked
    found = make_acdc(**root, part='val')
    assert names_of(found) == [f'val/{name}' for name in as_unpacked]


def test_acdc__images_in_both_arrangements_count_once(make_acdc, tmp_path):
    write_acdc(tmp_path / 'acdc', rearranged=True)
    assert len(make_acdc(part='train')) == 8


def test_acdc__labels_are_train_ids_of_the_drawn_street(make_acdc):
    dataset = make_acdc(part='val')
    maps = list(dataset.get_gt_seg_maps())
    assert all(labels.shape == (36, 64) for labels in maps)
    found = {dataset.CLASSES[c] for c in np.unique(maps) if c != 255}
    assert {'road', 'building', 'car'} <= found
    assert dataset.evaluate([np.where(m == 255, 0, m) for m in maps])['aAcc'] == 1


def test_acdc__images_without_labels_are_tested_all_the_same(make_acdc):
    dataset = make_acdc(part='test', ann_dir=None)
    assert len(dataset) == 8 and not dataset.has_labels
    assert dataset[0]['img'].shape == (3, 36, 64)


def test_acdc__its_server_gets_train_ids(make_acdc, tmp_path):
    dataset = make_acdc(part='test', ann_dir=None)
    (path,) = dataset.format_results([np.array([[0, 13], [18, 5]])], tmp_path / 'out', indices=[0])
    assert path.endswith('out/GOPR0475_frame_000041_rgb_anon.png')
    np.testing.assert_array_equal(cv2.imread(path, cv2.IMREAD_UNCHANGED), [[0, 13], [18, 5]])


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        ({'part': 'trian'}, "ACDC has no 'trian'; did you mean 'train'"),
        ({'conditions': ['nigth']}, "ACDC has no 'nigth'; did you mean 'night'"),
        ({'part': 'train', 'img_dir': 'rgb_anon/fog/val'}, 'no image of fog, .* in the part train'),
    ],
)
def test_acdc__mistakes_are_named(make_acdc, setting, message):
    with pytest.raises(UserError, match=message):
        make_acdc(**setting)


def test_acdc__missing_labels_do_not_ask_for_a_conversion(make_acdc):
    with pytest.raises(UserError) as error:
        make_acdc(part='test')
    assert 'have no label file' in str(error.value) and 'convert' not in str(error.value)


def test_acdc__is_built_by_name(tmp_path):
    root = write_acdc(tmp_path)
    cfg = {'type': 'ACDCDataset', 'data_root': str(root), 'part': 'val', 'pipeline': TEST_PIPELINE}
    assert len(build_dataset(cfg)) == 8
