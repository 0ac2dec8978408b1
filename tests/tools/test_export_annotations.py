"""Label maps to COCO's JSON and back."""

import json
import sys

import numpy as np
import pytest
from pycocotools.coco import COCO

from mmseg.datasets.image_io import read_label
from mmseg.own_data.coco_export import regions_of
from mmseg.own_data.formats.detection import Options, read_labels
from mmseg.own_data.pictures import look_into
from mmseg.utils.cli import run_cli
from tests.own_data.files import photographs, save
from tools import export_annotations

SIZE = (40, 30)


@pytest.fixture
def export(monkeypatch, capfd, tmp_path):
    def call(*options):
        arguments = [tmp_path / 'out', tmp_path / 'images', '--out', tmp_path / 'coco.json']
        monkeypatch.setattr(sys, 'argv', ['export', *map(str, (*arguments, *options))])
        try:
            run_cli(export_annotations.main)
        except SystemExit as end:
            assert end.code == 1
        return capfd.readouterr()

    return call


@pytest.fixture
def predictions(tmp_path):
    """Label maps as the demo writes them, overlays beside them; two cars in the first."""
    photographs(tmp_path / 'images', ['a.jpg', 'sub/b.png'], SIZE)
    photographs(tmp_path / 'out', ['a_overlay.png', 'sub/b_overlay.png'], SIZE)
    labels = np.zeros(SIZE[::-1], np.uint8)
    labels[2:4, 5:10], labels[20:25, 30:33] = 2, 2
    labels[29, 39] = 255
    save(tmp_path / 'out/a_labels.png', labels)
    save(
        tmp_path / 'out/sub/b_labels.png',
        np.random.default_rng(0).integers(0, 3, SIZE[::-1], np.uint8),
    )
    names = {'road': {'labels': [0]}, 'sky': {'labels': [1]}, 'car': {'labels': [2]}}
    path = tmp_path / 'map.json'
    path.write_text(json.dumps({'classes': names}))
    return path


def test_export_annotations__pycocotools_reads_regions_areas_and_boxes(
    export, predictions, tmp_path
):
    told = export('--classes', predictions)
    assert 'of 2 pictures' in told.out and told.err == ''
    coco = COCO(str(tmp_path / 'coco.json'))
    assert [c['name'] for c in coco.loadCats(coco.getCatIds())] == ['road', 'sky', 'car']
    assert [i['file_name'] for i in coco.loadImgs(coco.getImgIds())] == ['a.jpg', 'sub/b.png']
    cars = coco.loadAnns(coco.getAnnIds(imgIds=[1], catIds=[3]))
    assert [car['area'] for car in cars] == [10, 15]
    assert [car['bbox'] for car in cars] == [[5, 2, 5, 2], [30, 20, 3, 5]]
    assert coco.annToMask(cars[0])[2:4, 5:10].all() and coco.annToMask(cars[0]).sum() == 10


@pytest.mark.parametrize('regions', ['components', 'classes'])
def test_export_annotations__comes_back_as_the_same_label_maps(
    export, predictions, tmp_path, regions
):
    export('--classes', predictions, '--regions', regions)
    pictures = look_into(tmp_path / 'images').pictures
    reading = read_labels(tmp_path / 'coco.json', pictures, Options(rest='ignore'))
    assert reading.classes == ['road', 'sky', 'car']
    for picture, labels in reading.images:
        written = tmp_path / 'out' / f'{picture.name}_labels.png'
        assert np.array_equal(labels(), read_label(written))


def test_export_annotations__one_region_a_class_and_none_that_is_too_small(
    export, predictions, tmp_path
):
    export('--classes', predictions, '--regions', 'classes', '--min-area', 26)
    annotations = json.loads((tmp_path / 'coco.json').read_text())['annotations']
    assert [(a['image_id'], a['category_id']) for a in annotations] == [
        (1, 1),
        (2, 1),
        (2, 2),
        (2, 3),
    ]
    assert (
        '--min-area: expected 1 or more, got 0'
        in export('--classes', predictions, '--min-area', 0).err
    )


def test_regions_of__corners_hang_together_and_255_is_nothing():
    labels = np.array([[1, 255, 1], [255, 1, 0]], np.uint8)
    assert [(index, int(mask.sum())) for index, mask in regions_of(labels, 2)] == [(0, 1), (1, 3)]
