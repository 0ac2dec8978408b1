import cv2
import numpy as np
import pytest

from mmseg.utils.errors import UserError

from .layouts import label_ids


def test_format_results__writes_label_ids_named_like_the_images(make_cityscapes_val, tmp_path):
    dataset = make_cityscapes_val()
    preds = [np.where(gt == 255, 0, gt) for gt in dataset.get_gt_seg_maps()]
    written = dataset.format_results(preds[1:], tmp_path / 'out', indices=[1, 2])
    assert [p.name for p in sorted((tmp_path / 'out').iterdir())] == [
        'lindau_000001_000019_leftImg8bit.png',
        'lindau_000002_000019_leftImg8bit.png',
    ]
    expected = label_ids(1, 32, 64)
    expected[0, 0] = 7
    np.testing.assert_array_equal(cv2.imread(written[0], cv2.IMREAD_UNCHANGED), expected)


def test_format_results__part_of_the_classes_keeps_its_ids(make_cityscapes_val, tmp_path):
    dataset = make_cityscapes_val(classes=['sky', 'road'])
    pred = np.array([[0, 1], [1, 0]])
    (path,) = dataset.format_results([pred], tmp_path, indices=[0])
    expected = [[23, 7], [7, 23]]
    np.testing.assert_array_equal(cv2.imread(path, cv2.IMREAD_UNCHANGED), expected)


def test_format_results__other_sets_have_no_server(make_gta, tmp_path):
    with pytest.raises(UserError, match='GTADataset has no benchmark server'):
        make_gta().format_results([], tmp_path)
