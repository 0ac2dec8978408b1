"""The customisation tutorial of mmsegmentation 0.16 as one program, its steps in their order."""

import json
import os.path as osp

import mmcv
import numpy as np
import pytest
from mmcv import Config
from mmcv.runner import HOOKS, Hook
from torch import nn

from mmseg.apis import inference_segmentor, set_random_seed, show_result_pyplot, train_segmentor
from mmseg.datasets import build_dataset
from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.datasets.custom import CustomDataset
from mmseg.models import build_segmentor
from mmseg.models.builder import HEADS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from tests.compatibility.folders import CLASSES, TEST, TRAIN, write_images
from tests.compatibility.networks import model as model_config

PALETTE = [[128, 128, 128], [129, 127, 38], [120, 69, 125], [53, 125, 34]]


FOUND = []  # what the hook sees


# an own data set
class StanfordBackgroundDataset(CustomDataset):
    CLASSES = CLASSES
    PALETTE = PALETTE

    def __init__(self, split, **kwargs):
        super().__init__(img_suffix='.png', seg_map_suffix='.png', split=split, **kwargs)
        assert osp.exists(self.img_dir) and self.split is not None

    def evaluate(self, results, metric='mIoU', logger=None, **kwargs):
        scores = super().evaluate(results, metric, logger, **kwargs)
        return {**scores, 'largest': float(max(labels.max() for labels in results))}


# an own transform
class MyTransform:
    def __call__(self, results):
        results['dummy'] = True
        return results


# an own head
class MyHead(BaseDecodeHead):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.convs = nn.Sequential(nn.Conv2d(self.in_channels, width, 1), nn.ReLU())
        self.conv_seg = nn.Conv2d(width, self.num_classes, 1)

    def forward(self, inputs):
        return self.cls_seg(self.convs(self._transform_inputs(inputs)))


# an own hook
class MyHook(Hook):
    def __init__(self, a, b):
        assert (a, b) == (1, 2)

    def after_train_iter(self, runner):
        if 'mIoU' in runner.log_buffer.output:
            FOUND.append((runner.iter + 1, runner.log_buffer.output['mIoU']))

    def after_run(self, runner):
        FOUND.append(('end', runner.log_buffer.output.get('mIoU')))


def write_config(root):
    steps = [*TRAIN[:2], {'type': 'MyTransform'}, *TRAIN[2:]]
    data = {'type': 'StanfordBackgroundDataset', 'data_root': str(root)}
    data |= {'img_dir': 'images', 'ann_dir': 'labels'}
    head = {'type': 'MyHead', 'width': 8, 'in_channels': 64, 'in_index': 3, 'channels': 8}
    head |= {'num_classes': 4, 'loss_decode': {'type': 'CrossEntropyLoss'}}
    cfg = {
        'model': {**model_config(), 'decode_head': head},
        'data': {
            'samples_per_gpu': 2,
            'workers_per_gpu': 0,
            'train': {**data, 'pipeline': steps, 'split': 'train.txt'},
            'val': {**data, 'pipeline': TEST, 'split': 'val.txt'},
            'test': {**data, 'pipeline': TEST, 'split': 'val.txt'},
        },
        'optimizer': {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9, 'weight_decay': 0.0005},
        'optimizer_config': {},
        'lr_config': {'policy': 'poly', 'power': 0.9, 'min_lr': 1e-4, 'by_epoch': False},
        'runner': {'type': 'IterBasedRunner', 'max_iters': 5},
        'checkpoint_config': {'by_epoch': False, 'interval': 5},
        'evaluation': {'interval': 2, 'metric': 'mIoU', 'pre_eval': True},
        'log_config': {'interval': 1, 'hooks': [{'type': 'TextLoggerHook', 'by_epoch': False}]},
        'custom_hooks': [{'type': 'MyHook', 'a': 1, 'b': 2}],
        'workflow': [('train', 1)],
        'cudnn_benchmark': True,
        'gpu_ids': range(1),
        'work_dir': str(root / 'work_dir'),
        'seed': 0,
    }
    return Config(cfg)


@pytest.fixture(scope='module')
def program(tmp_path_factory):
    """Train as the tutorial does; return the config, the model and the folder."""
    DATASETS.register_module()(StanfordBackgroundDataset)
    PIPELINES.register_module()(MyTransform)
    HEADS.register_module()(MyHead)
    HOOKS.register_module()(MyHook)
    root = write_images(tmp_path_factory.mktemp('tutorial'))
    (root / 'train.txt').write_text('one\ntwo\n')
    (root / 'val.txt').write_text('three\n')
    cfg = write_config(root)
    set_random_seed(0, deterministic=False)
    datasets = [build_dataset(cfg.data.train)]
    model = build_segmentor(cfg.model, train_cfg=cfg.get('train_cfg'), test_cfg=cfg.get('test_cfg'))
    model.CLASSES = datasets[0].CLASSES
    mmcv.mkdir_or_exist(osp.abspath(cfg.work_dir))
    FOUND.clear()
    train_segmentor(model, datasets, cfg, distributed=False, validate=True, meta={})
    model.cfg = cfg
    return cfg, model, root


def test_tutorial__trains_and_infers(program):
    cfg, model, root = program
    image = mmcv.imread(str(root / 'images/three.png'))
    result = inference_segmentor(model, image)
    assert result[0].shape == (64, 64) and result[0].max() < 4
    assert np.array_equal(result[0], inference_segmentor(model, str(root / 'images/three.png'))[0])
    picture = show_result_pyplot(model, image, result, PALETTE)
    assert picture.shape == (64, 64, 3)
    assert osp.exists(osp.join(cfg.work_dir, 'latest.pth'))


def test_tutorial__what_training_left_in_the_network_does_not_matter(program):
    _, model, root = program
    image = str(root / 'images/one.png')
    results = [inference_segmentor(model.train(mode), image)[0] for mode in (True, False)]
    assert np.array_equal(*results)
    statistics = [buffer.clone() for buffer in model.buffers()]
    inference_segmentor(model.train(), image)
    assert all(map(np.array_equal, statistics, model.buffers()))


def test_tutorial__the_hook_sees_each_evaluation_once(program):
    seen = [iteration for iteration, _ in FOUND]
    assert seen == [3, 5, 'end']  # evaluated after 2, 4 and 5: logged before any hook comes
    assert all(0 <= score <= 1 for _, score in FOUND)
    log = next((program[2] / 'work_dir').glob('*.log.json')).read_text().splitlines()
    assert sum('mIoU' in line for line in log) == 3
    assert not any('mIoU' in line for line in log if '"mode": "train"' in line)


def test_tutorial__the_data_set_measures_its_own_way(program):
    log = next((program[2] / 'work_dir').glob('*.log.json')).read_text().splitlines()
    evaluations = [json.loads(line)['student'] for line in log if '"mode": "val"' in line]
    assert all(scores['largest'] in range(4) for scores in evaluations)
