"""Transforms, called as mmsegmentation 0.16 documents them."""

import copy
import pickle

import numpy as np
import pytest

from mmseg.core.evaluation import get_classes
from mmseg.datasets import CustomDataset
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import Compose
from mmseg.utils.errors import UserError
from tests.compatibility.folders import settings, write_images


def build(kind, **arguments):
    return PIPELINES.build({'type': kind, **arguments})


def sample(height=6, width=8):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    label = rng.integers(0, 4, (height, width), np.uint8)
    shapes = {'img_shape': image.shape, 'ori_shape': image.shape, 'pad_shape': image.shape}
    fields = {'img': image, 'gt_semantic_seg': label, 'seg_fields': ['gt_semantic_seg']}
    return {**fields, **shapes, 'scale_factor': 1.0}


@pytest.mark.parametrize(
    ('kind', 'arguments', 'shape'),
    [
        ('Resize', {'img_scale': (16, 12), 'keep_ratio': False}, (12, 16)),
        ('Resize', {'img_scale': [(16, 12)], 'keep_ratio': True}, (12, 16)),
        ('Resize', {'img_scale': (16, 12), 'ratio_range': (0.5, 0.5)}, (6, 8)),
        ('Resize', {'ratio_range': (2.0, 2.0)}, (12, 16)),
        ('Resize', {'img_scale': [(16, 12), (16, 12)], 'multiscale_mode': 'value'}, (12, 16)),
        ('Pad', {'size': (10, 10), 'pad_val': 0, 'seg_pad_val': 255}, (10, 10)),
        ('Pad', {'size_divisor': 5}, (10, 10)),
        ('RandomCrop', {'crop_size': (4, 5), 'cat_max_ratio': 0.9}, (4, 5)),
        ('RandomFlip', {'prob': 1.0, 'direction': 'vertical'}, (6, 8)),
        ('RandomRotate', {'prob': 1.0, 'degree': 10.0}, (6, 8)),
        ('RandomRotate', {'prob': 1, 'degree': (-5, 5), 'center': (3, 3)}, (6, 8)),
        ('PhotoMetricDistortion', {'brightness_delta': 32, 'hue_delta': 18}, (6, 8)),
        ('RGB2Gray', {'out_channels': 3, 'weights': (0.3, 0.5, 0.2)}, (6, 8)),
        ('CLAHE', {'clip_limit': 2, 'tile_grid_size': (2, 2)}, (6, 8)),
        ('Rerange', {'min_value': 0, 'max_value': 255}, (6, 8)),
        ('AdjustGamma', {'gamma': 1.2}, (6, 8)),
        ('SegRescale', {'scale_factor': 1}, (6, 8)),
        ('Normalize', {'mean': [0.0] * 3, 'std': [1.0] * 3, 'to_rgb': True}, (6, 8)),
    ],
)
def test_transform__changes_a_sample_and_prints_itself(kind, arguments, shape):
    step = build(kind, **arguments)
    result = step(sample())
    assert result['img'].shape[:2] == result['gt_semantic_seg'].shape == shape
    assert repr(step).startswith(f'{kind}(')
    assert all(f'{name}={value!r}' in repr(step) for name, value in arguments.items())
    assert repr(pickle.loads(pickle.dumps(step))) == repr(copy.deepcopy(step)) == repr(step)


@pytest.mark.parametrize(
    ('kind', 'arguments'),
    [
        ('Resize', {'img_scale': (16, 12), 'multiscale_mode': 'half'}),
        ('Resize', {'img_scale': [(16, 12), (8, 6)], 'ratio_range': (0.5, 2)}),
        ('Resize', {'img_scale': (16, 12), 'ratio_range': (0.5,)}),
        ('RandomFlip', {'prob': 1.5}),
        ('RandomFlip', {'direction': 'diagonal'}),
        ('Pad', {}),
        ('Pad', {'size': (4, 4), 'size_divisor': 2}),
        ('Pad', {'size_divisor': 0}),
        ('Pad', {'size': (4,)}),
        ('RandomCrop', {'crop_size': (-1, 0)}),
        ('RandomCrop', {'crop_size': (4, 4), 'cat_max_ratio': 3}),
        ('RandomRotate', {'prob': 2, 'degree': 10}),
        ('RandomRotate', {'prob': 0.5, 'degree': -10}),
        ('RandomRotate', {'prob': 0.5, 'degree': (10.0, 20.0, 30.0)}),
        ('Rerange', {'min_value': 3, 'max_value': 3}),
        ('CLAHE', {'tile_grid_size': (8, 8, 8)}),
        ('CLAHE', {'clip_limit': -1}),
        ('RGB2Gray', {'out_channels': -1}),
        ('AdjustGamma', {'gamma': 0}),
        ('PhotoMetricDistortion', {'contrast_range': (0.5, 1.0, 1.5)}),
        ('SegRescale', {'scale_factor': -1}),
        ('MultiScaleFlipAug', {'img_scale': None, 'transforms': []}),
    ],
)
def test_transform__wrong_arguments_are_refused_when_it_is_built(kind, arguments):
    with pytest.raises(AssertionError) as caught:
        build(kind, **arguments)
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize('gamma', [0.6, 1.0, 1.2])
def test_adjust_gamma__truncates(gamma):
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = [int((value / 255) ** (1 / gamma) * 255) for value in range(256)]
    assert build('AdjustGamma', gamma=gamma)({'img': image})['img'].ravel().tolist() == expected


def test_compose__prints_its_steps():
    steps = Compose([{'type': 'RandomFlip', 'prob': 0.5}, {'type': 'DefaultFormatBundle'}])
    assert 'RandomFlip(prob=0.5' in repr(steps) and 'DefaultFormatBundle()' in repr(steps)


def test_collect__keys_that_are_missing_are_a_key_error():
    with pytest.raises(KeyError, match="Collect finds no 'depth'"):
        build('Collect', keys=['depth'])({'img': 0})


@pytest.mark.parametrize(
    ('call', 'kind'),
    [
        (lambda root: CustomDataset(**settings(root, img_dir='none')), FileNotFoundError),
        (lambda root: CustomDataset(**settings(root, ann_dir='none')), FileNotFoundError),
        (lambda root: CustomDataset(**settings(root, split='none.txt')), FileNotFoundError),
        (lambda root: CustomDataset(**settings(root, classes='none.txt')), FileNotFoundError),
        (lambda root: CustomDataset(**settings(root)).evaluate([None]), AssertionError),
        (lambda root: get_classes('nowhere'), ValueError),
    ],
)
def test_errors__are_of_the_kinds_they_were(tmp_path, call, kind):
    with pytest.raises(kind) as caught:
        call(write_images(tmp_path))
    assert isinstance(caught.value, UserError)


def test_errors__an_unknown_metric_is_a_key_error(tmp_path):
    dataset = CustomDataset(**settings(write_images(tmp_path)))
    with pytest.raises(KeyError, match='mIou'):
        dataset.evaluate(list(dataset.get_gt_seg_maps()), metric='mIou')
