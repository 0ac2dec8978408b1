"""Calibration measured on a data set."""

import cv2
import pytest
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.calibration import (
    calibration_table,
    draw_calibration,
    measure_calibration,
    summary_line,
)
from mmseg.apis.loader import build_test_loader
from mmseg.core.evaluation.calibration import Calibration
from mmseg.datasets import build_dataset
from tests.apis.tiny import CLASSES, write_run


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp('run'))


def test_measure_calibration__counts_what_inference_tells(run):
    cfg = load_config(run / 'config.json')
    model = init_segmentor(cfg, run / 'iter_1.pth', 'cpu')
    dataset = build_dataset(cfg.data.test, {'test_mode': True})
    loader = build_test_loader(dataset, cfg, torch.device('cpu'))
    found = measure_calibration(model, loader)
    expected = Calibration(5)
    with torch.no_grad():
        for batch in loader:
            probs = model.inference(batch['img'][0], batch['img_metas'][0], True)
            expected.add(probs, batch['labels'])
    assert found.num_pixels == expected.num_pixels == 3 * (40 * 56 - 4)
    assert found.nll == pytest.approx(expected.nll, rel=1e-5)
    assert found.expected_error() == pytest.approx(expected.expected_error(), rel=1e-4)


def test_calibration_table__has_a_line_for_each_class_that_is_predicted(tmp_path):
    found = Calibration(5)
    probs = torch.tensor([[0.8, 0.2, 0, 0, 0], [0.3, 0.7, 0, 0, 0]]).T[None, :, None]
    found.add(probs, torch.tensor([[[0, 0]]]))
    lines = calibration_table(found, CLASSES).splitlines()
    assert lines[0].split() == [
        'predicted',
        'ECE',
        'sure',
        'right',
        'risk',
        '50%',
        'risk',
        '80%',
        'risk',
        '100%',
    ]
    assert [line.split()[0] for line in lines[2:]] == ['road', 'sidewalk', 'all']
    assert lines[2].split()[1::2] == ['20.0', '80.0', '100.0', '0.0', '0.0', '0.0']
    assert lines[4].split()[2::2] == ['45.0', '75.0', '50.0', '0.0', '50.0', '50.0']
    assert summary_line(found).startswith('ECE 45.0%, NLL ')
    draw_calibration(found, tmp_path / 'calibration.png')
    assert cv2.imread(str(tmp_path / 'calibration.png')).std() > 10
