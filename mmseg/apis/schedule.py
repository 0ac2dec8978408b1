"""Schedules of the learning rate: mmcv's, and what would make a rate other than it looks."""

import copy
import math
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import torch
from mmcv.runner import HOOKS

from mmseg.core.building import build_from_cfg, nearest
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

# Policies that raise the rate above the optimizer's by their nature.
_RISING = ('Cyclic', 'OneCycle')
# Policies of which mmcv wants exactly one of min_lr and min_lr_ratio.
_ANNEALING = ('CosineAnnealing', 'FlatCosineAnnealing', 'CosineRestart', 'LinearAnnealing')
_WARMUPS = ('constant', 'linear', 'exp')
_NUM_LOOKS = 1000


def build_schedule(lr_config: Mapping[str, Any] | None) -> Any:
    """Build mmcv's schedule as mmcv names it: policy 'poly' is `PolyLrUpdaterHook`.

    Args:
        lr_config: `policy` and its settings; None keeps the optimizer's rate.

    Returns:
        The hook, which counts iterations.

    Raises:
        UserError: A setting is not known, out of range, or would not be heeded.
    """
    settings = {'by_epoch': False, **(lr_config or {'policy': 'fixed'})}
    name = _policy_name(settings.pop('policy', None))
    _check_counting(settings)
    _check_warmup(settings)
    ends = sorted({'min_lr', 'min_lr_ratio'} & {k for k, v in settings.items() if v is not None})
    if name in _ANNEALING and len(ends) != 1:
        raise UserError(
            f'lr_config: policy {name} needs either min_lr or min_lr_ratio, got '
            f'{" and ".join(ends) or "neither"}'
        )
    if name == 'Cyclic' and isinstance(settings.get('target_ratio'), list):  # JSON has no tuples
        settings['target_ratio'] = tuple(settings['target_ratio'])
    try:
        return build_from_cfg({'type': f'{name}LrUpdaterHook', **settings}, HOOKS)
    except (AssertionError, TypeError, ValueError) as error:
        raise UserError(f'lr_config: {str(error) or f"these settings make no {name}"}') from error


def check_schedule(
    schedule: Any, optimizer: torch.optim.Optimizer, max_iters: int, may_rise: bool | float = False
) -> None:
    """Follow a schedule to its end, and say where a rate is not what it looks like.

    Args:
        schedule: From `build_schedule`.
        optimizer: As it is built: its groups have their first rates.
        max_iters: Iterations of the run.
        may_rise: Whether rates above the optimizer's are meant, or up to which one; then a warning
            says so.

    Raises:
        UserError: A rate rises above that of its group, falls below 0, or is no number.
    """
    rates = [float(group['lr']) for group in optimizer.param_groups]
    kind = type(schedule).__name__.removesuffix('LrUpdaterHook')
    if kind == 'OneCycle' and len(set(rates)) > 1 and not isinstance(schedule._max_lr, list):
        raise UserError(
            'lr_config.max_lr takes the place of the rates of all parameters, and lr_mult in '
            'optimizer.paramwise_cfg would have no effect: give another policy, or no lr_mult'
        )
    looks = sorted({*range(0, max_iters, max(1, max_iters // _NUM_LOOKS)), max_iters - 1})
    followed = _followed(schedule, rates, max_iters, looks)
    for rate, values in zip(rates, zip(*followed, strict=True), strict=True):
        for iteration, value in zip(looks, values, strict=True):
            if not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
                raise UserError(
                    f'lr_config: the rate {rate:g} becomes {value} at iteration {iteration}'
                )
        highest = max(values)
        if kind not in _RISING and highest > rate * (1 + 1e-6):
            _tell_of_rise(rate, highest, may_rise)
    _warn_of_long_warmup(schedule, max_iters)


def _followed(
    schedule: Any, rates: list[float], max_iters: int, looks: Iterable[int]
) -> list[list[float]]:
    """Return the rates (looks, groups) that a schedule makes, leaving warm-up out."""
    schedule = copy.deepcopy(schedule)
    optimizer = SimpleNamespace(param_groups=[{'lr': rate} for rate in rates])
    run = SimpleNamespace(optimizer=optimizer, max_iters=max_iters, max_epochs=None, epoch=0)
    try:
        schedule.before_run(run)
        values = []
        for run.iter in looks:
            values.append(schedule.get_regular_lr(run))
    except (ValueError, ArithmeticError, KeyError, IndexError, UnboundLocalError) as error:
        raise UserError(f'lr_config, with runner.max_iters={max_iters}: {error}') from error
    return values


def _tell_of_rise(rate: float, highest: float, may_rise: bool | float) -> None:
    what = f'lr_config makes a learning rate of {rate:g} rise to {highest:g}'
    if may_rise is not True and highest > may_rise * (1 + 1e-6):
        raise UserError(
            f'{what}: lower its min_lr (or min_lr_ratio, gamma) below what the optimizer has, '
            'lr_mult included; lr_may_rise={highest:.1g} beside lr_config says that it is meant'
        )
    get_root_logger().warning(f'{what} (lr_may_rise)')


def _warn_of_long_warmup(schedule: Any, max_iters: int) -> None:
    length = schedule.warmup_iters
    if schedule.warmup is not None and length >= max_iters:
        get_root_logger().warning(
            f'lr_config.warmup_iters={length} is no less than runner.max_iters={max_iters}: no '
            'iteration has the full learning rate'
        )


def _policy_name(policy: Any) -> str:
    names = [n.removesuffix('LrUpdaterHook') for n in HOOKS.module_dict if 'LrUpdater' in n]
    names = [name for name in names if name]
    name = str(policy).title() if str(policy).islower() else str(policy)
    if name not in names:
        known = [n.lower() if n.istitle() else n for n in names]
        raise UserError(f'lr_config.policy: there is no {policy!r}; {nearest(str(policy), known)}')
    return name


def _check_counting(settings: Mapping[str, Any]) -> None:
    for key in ('by_epoch', 'warmup_by_epoch'):
        if settings.get(key):
            raise UserError(f'lr_config.{key}=True: training counts iterations here, not epochs')


def _check_warmup(settings: Mapping[str, Any]) -> None:
    given = [key for key in ('warmup_iters', 'warmup_ratio') if key in settings]
    if given and 'warmup' not in settings:
        raise UserError(
            f"lr_config.{given[0]} has no effect without lr_config.warmup: give warmup='linear', "
            "'constant' or 'exp', or None for none"
        )
    if settings.get('warmup') is None:
        return
    if settings['warmup'] not in _WARMUPS:
        hint = nearest(str(settings['warmup']), _WARMUPS)
        raise UserError(f'lr_config.warmup: there is no {settings["warmup"]!r}; {hint}')
    length, ratio = settings.get('warmup_iters', 0), settings.get('warmup_ratio', 0.1)
    if isinstance(length, bool) or not isinstance(length, int) or length < 1:
        raise UserError(f'lr_config.warmup_iters: expected a whole number above 0, got {length!r}')
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 < ratio <= 1:
        raise UserError(f'lr_config.warmup_ratio: expected a number in (0, 1], got {ratio!r}')
