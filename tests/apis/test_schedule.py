import json
import math

import pytest
import torch
from mmcv.utils import Config

from mmseg.apis.schedule import build_schedule, check_schedule
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from tests.configs.composed import CONFIGS

get_root_logger()  # the first call sets it up, past what catches its lines


def optimizer(*rates):
    """One parameter group for each rate, as head and layer-wise rates make them."""
    groups = [{'params': [torch.nn.Parameter(torch.zeros(1))], 'lr': rate} for rate in rates]
    return torch.optim.AdamW(groups)


def check(lr_config, *rates, max_iters=100, may_rise=False):
    check_schedule(build_schedule(lr_config), optimizer(*rates or (6e-5,)), max_iters, may_rise)


RISING = [
    {'policy': 'poly', 'power': 1.0, 'min_lr': 1e-4},
    {'policy': 'poly', 'power': -0.5},
    {'policy': 'step', 'step': [50], 'min_lr': 1e-4},
    {'policy': 'step', 'step': 30, 'gamma': 2.0},
    {'policy': 'exp', 'gamma': 1.01},
    {'policy': 'inv', 'gamma': -0.001},
    {'policy': 'CosineAnnealing', 'min_lr': 1e-4},
    {'policy': 'CosineAnnealing', 'min_lr_ratio': 1.5},
    {'policy': 'FlatCosineAnnealing', 'min_lr': 7e-5},
    {'policy': 'CosineRestart', 'periods': [50, 50], 'restart_weights': [1, 1], 'min_lr': 1e-4},
    {'policy': 'LinearAnnealing', 'min_lr_ratio': 3},
]
FALLING = [
    None,
    {'policy': 'fixed'},
    {'policy': 'poly', 'power': 0.9, 'min_lr': 6e-5},
    {'policy': 'poly', 'power': 1.0, 'min_lr': 0.0, 'warmup': 'linear', 'warmup_iters': 15},
    {'policy': 'step', 'step': [50], 'min_lr': 1e-6},
    {'policy': 'exp', 'gamma': 0.99},
    {'policy': 'inv', 'gamma': 0.001},
    {'policy': 'CosineAnnealing', 'min_lr_ratio': 0.01},
    {'policy': 'CosineRestart', 'periods': [50, 50], 'restart_weights': [1, 0.5], 'min_lr': 0},
    {'policy': 'LinearAnnealing', 'min_lr': 0},
]


@pytest.mark.parametrize('lr_config', RISING, ids=lambda c: '-'.join(map(str, c.values())))
def test_check_schedule__a_rate_that_rises_is_refused_or_said(lr_config, caplog):
    with pytest.raises(UserError, match=r'makes a learning rate of 6e-05 rise to \S+: lower its'):
        check(lr_config)
    check(lr_config, may_rise=True)
    assert 'makes a learning rate of 6e-05 rise to' in caplog.text


@pytest.mark.parametrize('lr_config', FALLING)
def test_check_schedule__a_rate_that_does_not_rise_is_taken_without_a_word(lr_config, caplog):
    check(lr_config, 6e-5, 6e-4)
    assert not caplog.records


def test_check_schedule__every_group_counts():
    lr_config = {'policy': 'poly', 'min_lr': 1e-4}
    check(lr_config, 6e-4, 1e-4)
    with pytest.raises(UserError, match=r'rate of 6e-05 rise to'):
        check(lr_config, 6e-4, 6e-5)
    with pytest.raises(UserError, match=r'rate of 2\.5e-05 rise to'):  # layer-wise rates
        check(lr_config, 4e-4, 2e-4, 1e-4, 2.5e-5)


def test_check_schedule__the_published_schedule_says_that_its_rates_rise(caplog):
    config = Config.fromfile(str(CONFIGS / '_base_/schedules/poly10.py'))
    check(config.lr_config, 6e-5, 6e-4, max_iters=40000, may_rise=config.lr_may_rise)
    (said,) = caplog.messages
    assert said.startswith('lr_config makes a learning rate of 6e-05 rise to 9.99')


@pytest.mark.parametrize(('min_lr', 'may_rise'), [(1e-3, 1e-4), (2e-4, 1e-4), (1e-4, 9e-5)])
def test_check_schedule__rates_rise_no_further_than_is_meant(min_lr, may_rise):
    with pytest.raises(UserError, match=r'6e-05 rise to \S+: lower its min_lr'):
        check({'policy': 'poly', 'min_lr': min_lr}, 6e-5, may_rise=may_rise)
    check({'policy': 'poly', 'min_lr': min_lr}, 6e-5, may_rise=min_lr)
    check({'policy': 'poly', 'min_lr': min_lr}, 6e-5, may_rise=True)


@pytest.mark.parametrize(
    ('lr_config', 'message'),
    [
        ({'policy': 'poly', 'min_lr': -1e-4}, r'becomes -\S+ at iteration'),
        ({'policy': 'LinearAnnealing', 'min_lr': math.nan}, 'becomes nan at iteration'),
        ({'policy': 'CosineRestart', 'periods': [40], 'min_lr': 0}, 'iteration 40 exceeds'),
        ({'policy': 'OneCycle', 'max_lr': 1e-3, 'total_steps': 50}, 'total steps must be greater'),
        ({'policy': 'Cyclic', 'cyclic_times': 200}, 'lr_config'),
    ],
)
def test_check_schedule__what_would_fail_on_the_way_fails_at_once(lr_config, message):
    with pytest.raises(UserError, match=message):
        check(lr_config)


def test_check_schedule__schedules_that_rise_by_nature_are_taken():
    check({'policy': 'OneCycle', 'max_lr': 1e-3})
    check({'policy': 'cyclic', 'target_ratio': [10, 1e-4]}, 6e-5, 6e-4)
    with pytest.raises(
        UserError, match=r'lr_mult in optimizer\.paramwise_cfg would have no effect'
    ):
        check({'policy': 'OneCycle', 'max_lr': 1e-3}, 6e-5, 6e-4)


@pytest.mark.parametrize(
    ('lr_config', 'message'),
    [
        ({'policy': 'polly'}, "there is no 'polly'; did you mean 'poly'"),
        ({}, 'lr_config.policy: there is no None|fixed'),
        ({'policy': 'poly', 'powr': 1.0}, "no setting 'powr'"),
        ({'policy': 'poly', 'by_epoch': True}, 'by_epoch=True: training counts iterations'),
        (
            {'policy': 'poly', 'warmup': 'linear', 'warmup_iters': 3, 'warmup_by_epoch': True},
            'warmup_by_epoch=True',
        ),
        ({'policy': 'poly', 'warmup_iters': 100}, 'warmup_iters has no effect without'),
        ({'policy': 'poly', 'warmup_ratio': 0.1}, 'warmup_ratio has no effect without'),
        ({'policy': 'poly', 'warmup': 'lineer', 'warmup_iters': 9}, "did you mean 'linear'"),
        ({'policy': 'poly', 'warmup': 'linear'}, 'warmup_iters: expected a whole number above 0'),
        (
            {'policy': 'poly', 'warmup': 'linear', 'warmup_iters': 1e3},
            'warmup_iters: expected a whole number above 0, got 1000.0',
        ),
        (
            {'policy': 'poly', 'warmup': 'linear', 'warmup_iters': 9, 'warmup_ratio': 1.5},
            r'warmup_ratio: expected a number in \(0, 1\], got 1.5',
        ),
        (
            {'policy': 'poly', 'warmup': 'exp', 'warmup_iters': 9, 'warmup_ratio': 0},
            'warmup_ratio: expected a number in',
        ),
        ({'policy': 'CosineAnnealing'}, 'either min_lr or min_lr_ratio, got neither'),
        (
            {'policy': 'CosineAnnealing', 'min_lr': 0, 'min_lr_ratio': 0.1},
            'got min_lr and min_lr_ratio',
        ),
        ({'policy': 'FlatCosineAnnealing', 'min_lr': 0, 'start_percent': 2.0}, 'start_percent'),
        ({'policy': 'step', 'step': [-3]}, 'lr_config: these settings make no Step'),
    ],
)
def test_build_schedule__what_would_not_be_heeded_is_one_line(lr_config, message):
    if lr_config == {}:
        lr_config = {'power': 1.0}
    with pytest.raises(UserError, match=message) as refusal:
        build_schedule(lr_config)
    assert '\n' not in str(refusal.value)


def test_build_schedule__warm_up_can_be_switched_off_over_a_base():
    schedule = build_schedule({'policy': 'poly', 'warmup': None, 'warmup_iters': 1500})
    assert schedule.warmup is None


@pytest.mark.parametrize(('max_iters', 'says'), [(2, True), (1500, True), (1501, False)])
def test_check_schedule__a_warm_up_that_never_ends_is_said(max_iters, says, caplog):
    lr_config = Config.fromfile(str(CONFIGS / '_base_/schedules/poly10warm.py')).lr_config
    check(lr_config, max_iters=max_iters)
    assert ('no iteration has the full learning rate' in caplog.text) == says


def test_check_schedule__leaves_optimizer_and_schedule_as_they_were():
    adam = optimizer(6e-5, 6e-4)
    before = json.dumps(adam.state_dict()['param_groups'])
    schedule = build_schedule({'policy': 'OneCycle', 'max_lr': 1e-3})
    check_schedule(schedule, optimizer(6e-5), 10)
    check_schedule(build_schedule({'policy': 'fixed'}), adam, 10)
    assert json.dumps(adam.state_dict()['param_groups']) == before
    assert schedule.base_lr == [] and schedule.lr_phases == []
