"""Images of one band and of four, by each way in which a trained network is used."""

import importlib
import json
import sys

import cv2
import numpy as np
import pytest
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.core.checkpoint import save_checkpoint
from mmseg.utils.errors import UserError
from tests.apis import tiny

BANDS = {'unchanged': 4, 'grayscale': 1}


def write_run(folder, color_type):
    """Write a run whose images have other bands than colour pictures."""
    num = BANDS[color_type]
    path = tiny.write_config(folder)
    for index in range(3):
        file = f'{folder}/target/images/{index}.png'
        image = cv2.imread(file)
        extra = np.random.default_rng(index).integers(0, 256, image.shape[:2], np.uint8)
        if num == 4:
            image = np.dstack([image, extra])
        cv2.imwrite(file, image if num == 4 else image[..., 0])
    config = json.loads(path.read_text())
    for part in ('val', 'test'):
        load, outer = config['data'][part]['pipeline']
        load['color_type'] = color_type
        step = next(s for s in outer['transforms'] if s['type'] == 'Normalize')
        step.update(mean=[100.0] * num, std=[50.0] * num, to_rgb=False)
    config['model']['backbone'] = {'in_chans': num}
    (folder / 'config.json').write_text(json.dumps(config))
    torch.manual_seed(0)
    network = init_segmentor(load_config(folder / 'config.json'), device='cpu')
    network.init_weights()
    network.CLASSES, network.PALETTE = tiny.CLASSES, tiny.PALETTE
    save_checkpoint(network, folder / 'iter_1.pth')
    return folder


@pytest.fixture(scope='module', params=BANDS)
def run(request, tmp_path_factory):
    return write_run(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def call(monkeypatch):
    def main(module, *arguments):
        monkeypatch.setattr(sys, 'argv', [module, *map(str, arguments)])
        importlib.import_module(module).main()

    return main


def label_maps(folder, pattern):
    paths = sorted(folder.glob(pattern))
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]


def test_bands__test_demo_and_comparison_see_the_same(call, run, tmp_path):
    call('tools.test', run, '--out', tmp_path / 'preds')
    folder = run / 'target/images'
    call('demo.image_demo', folder, run, '--out-dir', tmp_path / 'demo', '--batch-size', 2)
    tested, shown = (label_maps(tmp_path / part, '*_labels.png') for part in ('preds', 'demo'))
    assert len(tested) == len(shown) == 3
    for ours, theirs in zip(tested, shown, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    call('tools.compare', run, '--out', tmp_path / 'comparison.png')
    assert cv2.imread(str(tmp_path / 'comparison.png')).std() > 0


def test_bands__a_config_whose_parts_disagree_is_one_line(call, run):
    colour = 'data.test.pipeline.0.color_type=color'
    num = len(load_config(run / 'config.json').data.test.pipeline[1].transforms[2].mean)
    told = f'takes images of {num} bands, these have 3: model.backbone.in_chans'
    one = [f'data.test.pipeline.1.transforms.2.{part}=[5.0]' for part in ('mean', 'std')]
    with pytest.raises(UserError, match=told):
        call('tools.test', run, '--out', run / 'x', '--options', colour, *one)
    images = run / 'target/images'
    with pytest.raises(UserError, match=told):
        call('demo.image_demo', images, run, '--out-dir', run / 'y', '--options', colour, *one)
    with pytest.raises(UserError, match=r'Normalize: mean has 2 values, the image .* has \d bands'):
        two = [option.replace('[5.0]', '[5.0,6.0]') for option in one]
        call('tools.test', run, '--out', run / 'x', '--options', *two)
