"""Whether what a training is made of besides data and network can be built from its settings."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mmcv.runner import HOOKS

from mmseg.core.building import build_from_cfg
from mmseg.core.hooks import CheckpointHook, NonFiniteHook, TextLoggerHook
from mmseg.core.precision import Precision
from mmseg.utils.errors import UserError

from ..custom_hooks import build_custom_hooks
from ..optimizer import build_optimizer, build_optimizer_hook
from ..schedule import build_schedule, check_schedule
from .run import Finding, Findings, RunUnderCheck


def parts_can_be_built(run: RunUnderCheck) -> Findings:
    """Build optimizer, schedule and hooks, which a training does next by itself."""
    for build in _parts(run):
        try:
            build()
        except UserError as error:
            yield Finding('error', str(error))


def _parts(run: RunUnderCheck) -> Iterator[Callable[[], Any]]:
    cfg = run.cfg
    log_cfg = cfg.get('log_config') or {}
    yield lambda: _schedule(run)
    yield lambda: build_optimizer_hook(cfg.get('optimizer_config'))
    yield lambda: Precision(cfg.get('amp'), run.device)
    yield lambda: NonFiniteHook(cfg.get('max_skipped_steps', 10))
    checkpoint = {'type': CheckpointHook, **(cfg.get('checkpoint_config') or {})}
    yield lambda: build_from_cfg(checkpoint, HOOKS)
    for hook in log_cfg.get('hooks', [{'type': TextLoggerHook}]):
        yield partial(build_from_cfg, hook, HOOKS, {'interval': 50})
    yield lambda: build_custom_hooks(cfg.get('custom_hooks') or [])


def _schedule(run: RunUnderCheck) -> None:
    optimizer, schedule = build_optimizer(run.model, run.cfg.optimizer), run.cfg.get('lr_config')
    may_rise = run.cfg.get('lr_may_rise', False)
    check_schedule(build_schedule(schedule), optimizer, run.cfg.runner.max_iters, may_rise)
