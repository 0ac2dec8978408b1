"""From annotations to label maps that train, and to a sheet to look at."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg.datasets.class_mapping import ClassMapping
from mmseg.utils.cli import run_cli
from tests.own_data.files import id_maps, photographs, save
from tools import check_labels
from tools.convert_datasets import annotations

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def call(monkeypatch, capfd):
    def run(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', ['tool', *map(str, arguments)])
        try:
            run_cli(tool.main)
        except SystemExit as end:
            assert end.code == 1
        return capfd.readouterr()

    return run


@pytest.fixture
def coco(tmp_path):
    """Three photographs, one of another suffix, with a car in the upper left corner of two."""
    photographs(tmp_path / 'images', ['a.jpg', 'sub/b.png', 'c.jpg'], (64, 48))
    names = {1: 'a.jpg', 2: 'sub/b.png', 3: 'c.jpg'}
    images = [{'id': i, 'file_name': n, 'width': 64, 'height': 48} for i, n in names.items()]
    outline = [[0, 0, 16, 0, 16, 12, 0, 12]]
    regions = [
        {'id': i, 'image_id': i, 'category_id': 1, 'iscrowd': 0, 'segmentation': outline}
        for i in (1, 2)
    ]
    content = {
        'images': images,
        'annotations': regions,
        'categories': [{'id': 1, 'name': 'car', 'color': [0, 0, 142]}],
    }
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(content))
    return path


def test_annotations__what_it_writes_goes_through_the_converter_of_own_data(call, coco, tmp_path):
    out = tmp_path / 'out'
    told = call(annotations, coco, tmp_path / 'images', out)
    assert told.err == ''
    assert f'{coco}: COCO JSON, 3 pictures' in told.out
    # 2 of 3 images have 16×12 of 64×48 pixels: 4.17 %
    assert 'background: 95.83% of the pixels\ncar: 4.17% of the pixels' in told.out
    assert cv2.imread(str(out / 'labels/sub/b.png'), cv2.IMREAD_UNCHANGED).sum() == 16 * 12
    mapping = ClassMapping.from_file(out / 'classes.json')
    assert mapping.classes == ('background', 'car') and mapping.palette[1] == (0, 0, 142)
    command = told.out.splitlines()[-1].split()
    done = subprocess.run([sys.executable, *command[1:]], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert '3 labels: 3 converted or counted' in done.stdout and done.stderr == ''
    assert (out / 'labels/sub/b_labelTrainIds.png').is_file()
    sheet = cv2.imread(str(out / 'check.png'))
    assert sheet.shape[0] > 2 * 285 and sheet.shape[1] > 4 * 380


def test_annotations__a_folder_that_holds_something_is_left_as_it_is(call, coco, tmp_path):
    own = tmp_path / 'out' / 'labels' / 'a.png'
    save(own, np.zeros((2, 2), np.uint8))
    told = call(annotations, coco, tmp_path / 'images', tmp_path / 'out')
    assert told.err.startswith(f'error: {tmp_path}/out holds something already')
    assert list((tmp_path / 'out').rglob('*.png')) == [own]
    told = call(annotations, coco, tmp_path / 'images', tmp_path / 'images' / 'out')
    assert 'lies within' in told.err


def test_annotations__one_class_and_names_that_clash_are_one_line(call, coco, tmp_path):
    told = call(annotations, coco, tmp_path / 'images', tmp_path / 'out', '--rest', 'ignore')
    assert 'error: expected 2 to 255 classes, got 1: car; --rest background' in told.err
    photographs(tmp_path / 'pictures', ['a.jpg', 'a.png'], (64, 48))
    content = json.loads(coco.read_text())
    content['images'] = [content['images'][0], {**content['images'][0], 'id': 2}]
    content['images'][1]['file_name'] = 'a.png'
    coco.write_text(json.dumps(content))
    told = call(annotations, coco, tmp_path / 'pictures', tmp_path / 'out')
    assert 'error: two pictures are called a, apart from their suffixes' in told.err
    assert not (tmp_path / 'out').exists()


def test_check_labels__draws_label_maps_with_a_mapping_or_without(call, tmp_path):
    photographs(tmp_path / 'images', [f'{i}.jpg' for i in range(5)])
    id_maps(tmp_path / 'labels', [f'{i}_mask.png' for i in range(5)], (0, 3, 255))
    out = tmp_path / 'sheet.png'
    folders = (tmp_path / 'images', tmp_path / 'labels')
    told = call(check_labels, *folders, '--num', 3, '--out', out)
    assert f'3 of 5 pictures in {out}' in told.out
    assert '3 (' in told.out and "is taken for 'class 1'" in told.out
    mapping = tmp_path / 'map.json'
    mapping.write_text(
        json.dumps({'classes': {'soil': {'labels': [0, 3]}, 'leaf': {'labels': [255]}}})
    )
    other = tmp_path / 'other.png'
    call(check_labels, *folders, '--classes', mapping, '--num', 3, '--out', other)
    first, second = (cv2.imread(str(path)) for path in (out, other))
    assert first.shape[1] == second.shape[1] and not np.array_equal(first[:300], second[:300])
    assert '--num: expected 1 or more' in call(check_labels, *folders, '--num', 0).err
