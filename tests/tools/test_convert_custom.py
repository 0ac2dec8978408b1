"""Labels of one's own: the converter from mapping file to train ids."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
ROAD, GRASS, OTHER = (128, 64, 128), (0, 160, 0), (9, 9, 9)


@pytest.fixture
def root(tmp_path):
    """Two photographs with colour-coded labels."""
    for name, colours in (('a', [ROAD, ROAD, GRASS, OTHER]), ('b', [GRASS] * 4)):
        for folder in ('photos', 'masks'):
            (tmp_path / folder).mkdir(exist_ok=True)
        label = np.array([colours], np.uint8)
        cv2.imwrite(str(tmp_path / f'masks/{name}_mask.png'), label[..., ::-1])
        cv2.imwrite(str(tmp_path / f'photos/{name}.jpg'), np.zeros_like(label))
    return tmp_path


def convert(root, classes):
    mapping = {
        **{'images': 'photos', 'image_suffix': '.jpg', 'labels': 'masks'},
        **{'label_suffix': '_mask.png', 'classes': classes},
    }
    (root / 'mapping.json').write_text(json.dumps(mapping))
    command = [sys.executable, 'tools/convert_datasets/custom.py', root, root / 'mapping.json']
    done = subprocess.run(
        [*map(str, command), '--nproc', '2'], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def train_ids(root, name):
    path = str(root / f'masks/{name}_labelTrainIds.png')
    return cv2.imread(path, cv2.IMREAD_UNCHANGED).ravel().tolist()


def test_custom__colours_become_train_ids_and_statistics(root):
    said = convert(root, {'road': {'labels': [ROAD]}, 'grass': {'labels': [GRASS]}})
    assert train_ids(root, 'a') == [0, 0, 1, 255] and train_ids(root, 'b') == [1] * 4
    assert 'no class lists [9, 9, 9], 12.50% of the pixels: ignored' in said
    assert "_classes = ['road', 'grass']" in said and 'num_classes=2' in said
    stats = json.loads((root / 'sample_class_stats_dict.json').read_text())
    assert [stats[str(root / f'masks/{n}_labelTrainIds.png')] for n in 'ab'] == [
        {'0': 2, '1': 1},
        {'1': 4},
    ]


def test_custom__another_mapping_converts_all_anew_the_same_one_nothing(root):
    classes = {'road': {'labels': [ROAD]}, 'grass': {'labels': [GRASS]}}
    cv2.imwrite(str(root / 'masks/a_labelTrainIds.png'), np.zeros((1, 4), np.uint8))
    assert '1 labels were converted with another mapping' in convert(root, classes)
    assert train_ids(root, 'a') == [0, 0, 1, 255]
    assert '0 converted or counted, 2 kept' in convert(root, classes)
    convert(root, {'grass': {'labels': [GRASS]}, 'rest': {'labels': [ROAD, OTHER]}})
    assert train_ids(root, 'a') == [1, 1, 0, 1]


def run(root, mapping, *options):
    (root / 'mapping.json').write_text(json.dumps(mapping))
    command = [sys.executable, 'tools/convert_datasets/custom.py', root, root / 'mapping.json']
    return subprocess.run([*map(str, command), *options], capture_output=True, text=True, cwd=ROOT)


TWO = {'road': {'labels': [ROAD]}, 'grass': {'labels': [GRASS]}}


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({}, 'image_suffix'),
        ({'image_suffix': '.JPG'}, 'photos holds 2 *.jpg'),
        ({'image_suffix': '_img.jpg'}, 'a_img.jpg'),
        ({'images': 'pictures', 'image_suffix': '.jpg'}, 'pictures/a.jpg'),
        ({'image_suffix': '.jpg', 'label_suffix': '_mask.PNG'}, 'masks holds 2 *.png'),
    ],
)
def test_names_that_do_not_fit__are_one_line_and_leave_nothing(root, changes, said):
    mapping = {'images': 'photos', 'labels': 'masks', 'label_suffix': '_mask.png', 'classes': TWO}
    done = run(root, mapping | changes)
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert said in line and done.returncode == 1 and 'Traceback' not in done.stderr
    assert not list(root.glob('sample*.json')) and not list(root.glob('*/*_labelTrainIds.png'))


def test_one_folder__holds_images_and_labels(root):
    for path in (root / 'masks').iterdir():
        path.rename(root / 'photos' / path.name)
    mapping = {'images': 'photos', 'labels': 'photos', 'image_suffix': '.jpg', 'classes': TWO}
    assert run(root, {**mapping, 'label_suffix': '_mask.png'}).returncode == 0
    done = run(root, {**mapping, 'image_suffix': '_mask.png', 'label_suffix': '_mask.png'})
    assert 'images and labels are the same files' in done.stderr


def test_out_dir__takes_labels_and_statistics(root, tmp_path):
    mapping = {'images': 'photos', 'labels': 'masks', 'label_suffix': '_mask.png', 'classes': TWO}
    out = tmp_path / 'elsewhere'
    done = run(root, {**mapping, 'image_suffix': '.jpg'}, '--out-dir', str(out))
    assert done.returncode == 0, done.stderr
    assert f"ann_dir='{out}/masks', stats_dir='{out}'" in done.stdout
    assert (out / 'masks/a_labelTrainIds.png').is_file() and not list(root.glob('*/*Train*'))
    assert (out / 'sample_class_stats.json').is_file()
