"""What is said of settings that a resumed run did not begin with, and what becomes of them."""

import json

import pytest
import torch
from mmcv.utils import Config

from mmseg.apis import load_config, set_random_seed, train_segmentor
from mmseg.apis.resumed_settings import tell_changed_settings
from mmseg.apis.work_dir import config_text
from mmseg.core.checkpoint import read_checkpoint
from mmseg.datasets import build_dataset
from mmseg.models import build_train_model
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from tests.apis.test_several_processes import NETWORK
from tests.apis.tiny import write_config

get_root_logger()  # the first call sets it up, past what catches its lines

BEFORE = {
    'model': {'pretrained': 'a.pth', 'decode_head': {'dropout_ratio': 0.1}},
    'data': {'samples_per_gpu': 2, 'workers_per_gpu': 4},
    'optimizer': {'type': 'AdamW', 'lr': 1e-3},
    'lr_config': {'policy': 'poly', 'power': 1.0},
    'seed': 0,
    'name': 'first',
    'work_dir': 'a',
}


def told(caplog, **changes):
    cfg = Config(json.loads(json.dumps(BEFORE)))
    cfg.merge_from_dict(changes)
    tell_changed_settings({'iter': 40, 'config': json.dumps(BEFORE)}, cfg)
    return caplog.messages


@pytest.mark.parametrize(
    ('setting', 'value', 'line'),
    [
        ('optimizer.lr', 1e-4, 'optimizer.lr: 0.001 there, 0.0001 here'),
        ('seed', 3, 'seed: 0 there, 3 here'),
        ('data.samples_per_gpu', 4, 'data.samples_per_gpu: 2 there, 4 here'),
        ('lr_config.power', 0.9, 'lr_config.power: 1.0 there, 0.9 here'),
        ('amp', 'bf16', "amp: nothing there, 'bf16' here"),
        ('model.decode_head.dropout_ratio', 0, 'dropout_ratio: 0.1 there, 0 here'),
    ],
)
def test_tell_changed_settings__what_counts_from_here_on_is_named(caplog, setting, value, line):
    (said,) = told(caplog, **{setting: value})
    assert said.startswith('from iteration 40 on the run has settings that it had not before: ')
    assert said.endswith(line)


@pytest.mark.parametrize(
    ('setting', 'value'), [('model.pretrained', 'b.pth'), ('load_from', 'c.pth')]
)
def test_tell_changed_settings__what_the_checkpoint_decides_is_of_no_effect(caplog, setting, value):
    (said,) = told(caplog, **{setting: value})
    assert said.startswith('of no effect, for the checkpoint') and f'{setting}: ' in said


@pytest.mark.parametrize(
    'changes',
    [
        {},
        {'work_dir': 'b', 'name': 'second', 'name_uda': 'x', 'resume_from': 'iter_40.pth'},
        {'data.workers_per_gpu': 0, 'log_level': 'ERROR', 'crop_size': [3, 3]},
    ],
)
def test_tell_changed_settings__what_makes_no_difference_is_not_said(caplog, changes):
    assert told(caplog, **changes) == []


def test_tell_changed_settings__another_type_of_optimizer_is_refused(caplog):
    with pytest.raises(UserError, match=r"optimizer\.type: 'AdamW' there, 'SGD' here: "):
        told(caplog, **{'optimizer.type': 'SGD'})


@pytest.mark.parametrize('config', [None, '', 'model = dict()', '[]', '{}'])
def test_tell_changed_settings__a_checkpoint_without_a_config_is_passed(caplog, config):
    tell_changed_settings({'config': config}, Config(BEFORE))
    assert not caplog.messages


def train(folder, work_dir, **changes):
    """Train on from a checkpoint, if `resume_from` says so; return the last one."""
    cfg = load_config(write_config(folder))
    cfg.merge_from_dict({**NETWORK, 'runner.max_iters': 4, 'evaluation.interval': 9, **changes})
    cfg.work_dir = str(work_dir)
    dataset = build_dataset(cfg.data.train)
    set_random_seed(cfg.seed)
    model = build_train_model(cfg)
    model.init_weights()
    meta = {'config': config_text(cfg)}
    train_segmentor(model, dataset, cfg, device=torch.device('cpu'), meta=meta)
    return read_checkpoint(work_dir / 'iter_4.pth')


def test_resume__learns_by_the_rates_and_decay_of_the_config(tmp_path, caplog):
    schedule = {'policy': 'poly', 'power': 1.0, 'min_lr': 0.0, '_delete_': True}
    before = train(tmp_path, tmp_path / 'a', lr_config=schedule)
    assert before['optimizer']['param_groups'][0]['lr'] == pytest.approx(6e-5 / 4)
    now = {'optimizer.lr': 2e-3, 'optimizer.weight_decay': 0.5, 'lr_config.power': 2.0}
    resumed = {**now, 'lr_config': {**schedule, 'power': 2.0}}
    resumed.pop('lr_config.power')
    resumed['resume_from'] = str(tmp_path / 'a' / 'iter_2.pth')
    after = train(tmp_path, tmp_path / 'b', **resumed)
    (group,) = after['optimizer']['param_groups']
    assert group['lr'] == pytest.approx(2e-3 * (1 / 4) ** 2)
    assert group['initial_lr'] == 2e-3 and group['weight_decay'] == 0.5
    for key in now:
        assert key in caplog.text
