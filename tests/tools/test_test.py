import pytest

from mmseg.utils.errors import UserError
from tools.test import benchmark_images


def test_benchmark_images__stand_in_a_folder_beside_validation():
    val = {'type': 'CityscapesDataset', 'img_dir': 'leftImg8bit/val', 'ann_dir': 'gtFine/val'}
    assert benchmark_images(val) == {**val, 'img_dir': 'leftImg8bit/test', 'ann_dir': None}


def test_benchmark_images__are_a_part_of_acdc():
    val = {'img_dir': 'rgb_anon', 'part': 'val', 'ann_dir': 'gt'}
    assert benchmark_images(val) == {'img_dir': 'rgb_anon', 'part': 'test', 'ann_dir': None}


def test_benchmark_images__sets_without_a_benchmark_are_named():
    with pytest.raises(UserError, match="--test-set: expected a folder or part 'val'"):
        benchmark_images({'img_dir': 'images'})
