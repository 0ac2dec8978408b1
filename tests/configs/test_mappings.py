"""Mapping files of published data sets, tried on drawn folders in their true layouts."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from mmseg.core.evaluation import get_classes, get_palette
from mmseg.datasets import build_dataset
from mmseg.datasets.class_mapping import ClassMapping
from mmseg.datasets.image_io import read_label
from mmseg.utils.cli import run_cli
from tests.datasets.layouts import photograph, write_palette_png, write_png
from tools.convert_datasets import custom

from .composed import CONFIGS

MAPPINGS = CONFIGS / 'mappings'
ROAD, CAR, RIDER, TERRAIN = 0, 13, 12, 9

# Mapping -> image, label, whether that has a palette, and the values of road, car, rider, terrain
# and of something that is none of the classes.
LAYOUTS = {
    'urbansyn': ('rgb/rgb_0001.png', 'ss/ss_0001.png', False, [0, 13, 12, 9, 19]),
    'synscapes': ('img/rgb/1.png', 'img/class/1.png', False, [7, 26, 25, 22, 3]),
    'bdd100k': (
        'images/10k/train/0004a4c0-d4dff0ad.jpg',
        'labels/sem_seg/masks/train/0004a4c0-d4dff0ad.png',
        False,
        [0, 13, 12, 9, 255],
    ),
    # A lane marking is road, a motorcyclist a rider, a bird nothing.
    'mapillary_v1.2': (
        'images/__CRyFzoDOXn6unQ6a3DnQ.jpg',
        'labels/__CRyFzoDOXn6unQ6a3DnQ.png',
        True,
        [24, 55, 21, 29, 0],
    ),
    'idd': (
        'leftImg8bit/train/0/005506_leftImg8bit.png',
        'gtFine/train/0/005506_gtFine_labelcsTrainIds.png',
        False,
        [0, 13, 12, 9, 255],
    ),
}


def test_mappings__each_is_tried():
    assert {path.stem for path in MAPPINGS.glob('*')} == set(LAYOUTS)


@pytest.mark.parametrize('name', LAYOUTS)
def test_mappings__have_the_classes_and_colours_of_cityscapes(name):
    mapping = ClassMapping.from_file(MAPPINGS / f'{name}.json')
    assert list(mapping.classes) == list(get_classes('cityscapes'))
    assert [list(colour) for colour in mapping.palette] == get_palette('cityscapes')


@pytest.mark.parametrize('name', LAYOUTS)
def test_mappings__convert_the_layout_and_the_result_is_a_data_set(
    name, tmp_path, monkeypatch, capsys
):
    image, label, has_palette, values = LAYOUTS[name]
    (tmp_path / image).parent.mkdir(parents=True)
    Image.fromarray(photograph(0, 2, 5)).save(tmp_path / image)
    ids = np.array([values] * 2, np.uint8)
    (write_palette_png if has_palette else write_png)(tmp_path / label, ids)
    monkeypatch.setattr(sys, 'argv', ['custom', str(tmp_path), str(MAPPINGS / f'{name}.json')])
    run_cli(custom.main)
    mapping = ClassMapping.from_file(MAPPINGS / f'{name}.json')
    dataset = build_dataset(
        {
            'type': 'CustomDataset',
            'data_root': str(tmp_path),
            'img_dir': mapping.images,
            'ann_dir': mapping.labels,
            'img_suffix': mapping.image_suffix,
            'seg_map_suffix': '_labelTrainIds.png',
            'classes': list(mapping.classes),
            'pipeline': [],
        }
    )
    assert len(dataset) == 1
    assert dataset.get_gt_seg_map(0).tolist() == [[ROAD, CAR, RIDER, TERRAIN, 255]] * 2
    (statistics,) = json.loads((tmp_path / 'sample_class_stats.json').read_text())
    assert statistics.pop('file').endswith('_labelTrainIds.png')
    assert statistics == {'0': 2, '9': 2, '12': 2, '13': 2}
    assert 'left out of the statistics' not in capsys.readouterr().out


def test_mappings__other_files_of_urbansyn_are_no_labels(tmp_path, monkeypatch):
    for name in ('rgb/rgb_0001.png', 'ss/ss_0001.png', 'ss/other_0001.png'):
        write_png(tmp_path / name, np.zeros((2, 2), np.uint8))
    mapping = ClassMapping.from_file(MAPPINGS / 'urbansyn.json')
    (file,) = mapping.find_labels(tmp_path)
    assert file.original == tmp_path / 'ss/ss_0001.png'
    assert file.image == tmp_path / 'rgb/rgb_0001.png'
    assert file.converted == tmp_path / 'ss/rgb_0001_labelTrainIds.png'
    assert read_label(file.original).max() == 0
