"""Every setting makes a difference, or is refused: none is passed over without a word."""

import copy
import json
from pathlib import Path

import pytest
import torch
from mmcv.utils import Config

from mmseg.apis import load_config, set_random_seed, train_segmentor
from mmseg.apis.train import _build_runner, _register_hooks
from mmseg.core.checkpoint import read_checkpoint
from mmseg.datasets import build_dataset
from mmseg.models import build_train_model
from mmseg.utils.errors import UserError
from tests.apis.test_several_processes import NETWORK
from tests.apis.tiny import CLASSES, PALETTE, write_config

AUXILIARY_HEAD = {
    'type': 'FCNHead',
    'in_channels': 16,
    'in_index': 2,
    'channels': 8,
    'num_convs': 1,
    'num_classes': 5,
    'conv_cfg': {'type': 'Conv2d'},
    'norm_cfg': {'type': 'BN'},
    'act_cfg': {'type': 'ReLU'},
    'loss_decode': {'type': 'DiceLoss'},
    'sampler': {'type': 'OHEMPixelSampler', 'thresh': 0.7, 'min_kept': 100},
}
MORE = {
    'model.auxiliary_head': AUXILIARY_HEAD,
    'model.train_cfg': {},
    'model.test_cfg': {'mode': 'whole'},
    'optimizer.paramwise_cfg': {'custom_keys': {'head': {'lr_mult': 10.0}}},
    'optimizer_config': {'_delete_': True, 'grad_clip': {'max_norm': 1.0}},
    'lr_config': {'_delete_': True, 'policy': 'poly', 'power': 1.0, 'min_lr': 0.0},
    'custom_hooks': [{'type': 'IterTimerHook'}],
    'dist_params': {'backend': 'nccl', 'sync_bn': False},
}
# Dicts whose keys are names of one's own, and what one may hold.
FREE = {'custom_keys': {'lr_mult': 2.0}, 'extra_means': ['road']}
# What only helps to write a config may hold anything.
HELPERS = ('norm_cfg', 'backbone_norm_cfg', 'img_norm_cfg')


def whole_config(folder):
    cfg = load_config(write_config(folder, uda=True))
    cfg.merge_from_dict({**NETWORK, **MORE})
    return json.loads(json.dumps(cfg._cfg_dict.to_dict()))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


@pytest.fixture(scope='module')
def config(folder):
    """A whole config that has a dict of every kind."""
    return whole_config(folder)


def places(value, path=()):
    """The paths of all dicts in a config."""
    if isinstance(value, dict):
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs if isinstance(value, dict | list) else ():
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def build(cfg, work_dir):
    """Build all that a run is made of, each part from its section."""
    cfg.work_dir = str(work_dir)
    for name in ('train', 'val', 'test'):
        build_dataset(cfg.data[name])
    model = build_train_model(cfg)
    model.CLASSES, model.PALETTE = CLASSES, PALETTE
    runner = _build_runner(model, cfg, torch.device('cpu'), {})
    _register_hooks(runner, cfg, validate=True, more=())


def test_config__every_dict_refuses_a_key_that_nobody_reads(config, folder):
    passed_over = []
    for path in places(config):
        if path[:1] and path[0] in HELPERS:
            continue
        changed = copy.deepcopy(config)
        place = changed
        for key in path:
            place = place[key]
        is_free = path[-1:] and path[-1] in FREE
        place['keey'] = FREE[path[-1]] if is_free else 1
        file = folder / 'changed.json'
        file.write_text(json.dumps(changed))
        try:
            build(load_config(file), folder / 'run')
        except UserError as error:
            assert 'keey' in str(error) and '\n' not in str(error), path
        else:
            passed_over += [] if is_free else ['.'.join(map(str, path))]
    # The target's labels are never read, nor is how they would be; the decoder's layers have norms
    # of their own, and a warning says that this one is not read.
    assert sorted(passed_over) == ['data.train.target.pipeline.1', 'model.decode_head.norm_cfg']


def trained(config, work_dir, **changes):
    """Train for a few iterations; return what the run came to."""
    cfg = Config(copy.deepcopy(config))
    cfg.merge_from_dict(changes, allow_list_keys=True)
    cfg.work_dir = str(work_dir)
    dataset = build_dataset(cfg.data.train)
    set_random_seed(cfg.seed)
    model = build_train_model(cfg)
    model.init_weights()
    train_segmentor(model, dataset, cfg, validate=True, device=torch.device('cpu'), meta={})
    last = read_checkpoint(Path(work_dir) / 'latest.pth')
    (log,) = Path(work_dir).glob('*.log.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    names = sorted(p.name for p in Path(work_dir).rglob('*') if not p.name.endswith('.log.json'))
    return {
        'weights': last['state_dict'],
        'optimizer': last['optimizer']['param_groups'],
        'training': sorted(last['training']['scaler']),
        'files': names,
        'lines': [(line.get('mode'), line.get('iter')) for line in lines],
        'logged': sorted({key for line in lines for key in line}),
    }


def differs(one, other):
    if any(one[key] != other[key] for key in one if key != 'weights'):
        return True
    names = one['weights'].keys()
    return names != other['weights'].keys() or not all(
        torch.equal(one['weights'][name], other['weights'][name]) for name in names
    )


@pytest.fixture(scope='module')
def usual(config, tmp_path_factory):
    return trained(config, tmp_path_factory.mktemp('usual'))


def test_training__is_the_same_where_nothing_is_changed(config, usual, tmp_path):
    assert not differs(usual, trained(config, tmp_path))


@pytest.mark.parametrize(
    ('setting', 'value'),
    [
        ('seed', 4),
        ('amp', 'bf16'),
        ('data.samples_per_gpu', 1),
        ('data.train.source.pipeline.2.img_scale', [70, 50]),
        ('runner.max_iters', 1),
        ('checkpoint_config.interval', 2),
        ('evaluation.interval', 2),
        ('evaluation.save_best', 'aAcc'),
        ('log_config.interval', 2),
        ('lr_config.power', 3.0),
        ('lr_config.min_lr', 1e-6),
        ('optimizer.lr', 1e-4),
        ('optimizer.weight_decay', 0.5),
        ('optimizer.betas', [0.5, 0.6]),
        ('optimizer.paramwise_cfg.custom_keys.head.lr_mult', 2.0),
        ('optimizer_config.grad_clip', None),
        ('optimizer_config.grad_clip.max_norm', 1e-3),
        ('optimizer_config.grad_clip.norm_type', 1.0),
        ('optimizer_config', {'type': 'GradientCumulativeOptimizerHook', 'cumulative_iters': 2}),
        ('model.auxiliary_head.loss_decode.loss_weight', 3.0),
        ('model.decode_head.dropout_ratio', 0.9),
        ('uda.alpha', 0.1),
        ('uda.pseudo_threshold', 0.1),
        ('uda.pseudo_temperature', 5.0),
        ('uda.blur', False),
        ('uda.color_jitter_strength', 0.5),
        ('uda.print_grad_magnitude', True),
        ('uda.debug_img_interval', 1),
        ('uda.instance', None),
    ],
)
def test_training__a_changed_setting_changes_what_comes_of_it(
    config, usual, tmp_path, setting, value
):
    assert differs(usual, trained(config, tmp_path, **{setting: value})), setting
