"""The converter of the crop and weed photographs."""

import json
import sys

import cv2
import numpy as np
import pytest

from mmseg.utils.cli import run_cli
from tools.convert_datasets import weeds

MAPPING = {
    'images': 'images',
    'labels': 'labels',
    'image_suffix': '.jpg',
    'label_suffix': '.png',
    'classes': {name: {'labels': [index]} for index, name in enumerate(('soil', 'crop', 'weed'))},
}


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


@pytest.fixture
def root(tmp_path):
    """Two frames of the source, of which one's labels are upside down, and a target."""
    for index, frame in enumerate(('rgb_1', 'rgb_2')):
        labels = np.zeros((64, 96), np.uint8)
        labels[4:20, 6:30], labels[40:50, 50:90] = 1, 2
        image = np.where(labels[..., None] > 0, (40, 200, 40), (60, 80, 120)).astype(np.uint8)
        for name, quarter in weeds.quarters_of(image):
            write(tmp_path / f'source/images/{frame}_{name}.jpg', quarter)
        for name, quarter in weeds.quarters_of(labels[::-1, ::-1] if index else labels):
            write(tmp_path / f'source/labels/{frame}_{name}.png', quarter)
        for part in ('train', 'val'):
            write(tmp_path / f'target/images/{part}/nir_{index}.jpg', image)
            write(tmp_path / f'target/labels/{part}/nir_{index}.png', labels)
    for name in ('source', 'target'):
        (tmp_path / f'{name}.json').write_text(json.dumps(MAPPING))
    return tmp_path


def test_weeds__labels_that_are_upside_down_are_turned_once(root, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['weeds', str(root)])
    for number in (1, 0):
        run_cli(weeds.main)
        assert f'labels of {number} frames turned' in capsys.readouterr().out
    first, second = (
        weeds.joined(
            {
                name: cv2.imread(str(root / f'source/labels/{frame}_{name}_labelTrainIds.png'), 0)
                for name in ('00', '01', '10', '11')
            }
        )
        for frame in ('rgb_1', 'rgb_2')
    )
    assert (first == second).all() and set(np.unique(first)) == {0, 1, 2}
    assert (root / 'target/labels/train/nir_0_labelTrainIds.png').is_file()
    assert (root / 'target/labels/val/nir_1_labelTrainIds.png').is_file()


def test_weeds__a_folder_without_quarters_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['weeds', str(tmp_path)])
    with pytest.raises(SystemExit):
        run_cli(weeds.main)
    assert 'no quarters of photographs' in capsys.readouterr().err
