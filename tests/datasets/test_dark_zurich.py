import cv2
import numpy as np
import pytest

from mmseg.datasets import DarkZurichDataset, UDADataset

from .conftest import TEST_PIPELINE
from .layouts import TRAIN_PIPELINE, write_dark_zurich


@pytest.fixture
def make_dark_zurich(tmp_path):
    """Builds Dark Zurich from a folder as it is unpacked."""
    root = write_dark_zurich(tmp_path / 'dark_zurich')

    def make(**kwargs):
        settings = {'data_root': str(root), 'pipeline': TEST_PIPELINE, 'test_mode': True}
        return DarkZurichDataset(**{**settings, **kwargs})

    return make


def test_dark_zurich__validation_by_night_has_labels(make_dark_zurich):
    dataset = make_dark_zurich(img_dir='rgb_anon/val', ann_dir='gt/val')
    assert [info['filename'] for info in dataset.img_infos] == [
        'night/GOPR0356/GOPR0356_frame_000033_rgb_anon.png',
        'night/GOPR0356/GOPR0356_frame_000141_rgb_anon.png',
    ]
    maps = list(dataset.get_gt_seg_maps())
    assert dataset.evaluate([np.where(m == 255, 0, m) for m in maps])['aAcc'] == 1


def test_dark_zurich__its_nights_are_a_target_without_labels(make_dark_zurich, make_gta):
    target = make_dark_zurich(
        img_dir='rgb_anon/train/night', pipeline=TRAIN_PIPELINE, test_mode=False
    )
    assert len(target) == 2 and not target.has_labels
    sample = UDADataset(make_gta(), target)[0]
    assert sample['target_img'].data.shape == (3, 16, 24)


def test_dark_zurich__its_server_gets_train_ids(make_dark_zurich, tmp_path):
    dataset = make_dark_zurich(img_dir='rgb_anon/test')
    (path,) = dataset.format_results([np.array([[0, 13]])], tmp_path / 'out', indices=[1])
    assert path.endswith('out/GOPR0364_frame_000141_rgb_anon.png')
    np.testing.assert_array_equal(cv2.imread(path, cv2.IMREAD_UNCHANGED), [[0, 13]])
