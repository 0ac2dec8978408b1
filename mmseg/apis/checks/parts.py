"""Whether what a training is made of besides data and network can be built from its settings."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mmcv.runner import HOOKS

from mmseg.core.building import build_from_cfg
from mmseg.core.hooks import CheckpointHook, NonFiniteHook
from mmseg.core.precision import Precision
from mmseg.core.settings import (
    CheckpointSettings,
    LoggingSettings,
    RunnerSettings,
    RunSettings,
    TrainingSettings,
)
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
    training, logs = TrainingSettings.of(run.cfg), LoggingSettings.of(run.cfg)
    checkpoints = CheckpointSettings.of(run.cfg).checkpoint_config
    yield lambda: check_schedule(
        build_schedule(training.lr_config),
        build_optimizer(run.model, training.optimizer),
        RunnerSettings.of(run.cfg).max_iters,
        training.lr_may_rise,
    )
    yield lambda: build_optimizer_hook(training.optimizer_config)
    yield lambda: Precision(training.amp, run.device)
    yield lambda: NonFiniteHook(training.max_skipped_steps)
    yield lambda: build_from_cfg({'type': CheckpointHook, **(checkpoints or {})}, HOOKS)
    for hook in logs.hooks:
        yield partial(build_from_cfg, hook, HOOKS, {'interval': logs.interval})
    yield lambda: build_custom_hooks(RunSettings.of(run.cfg).custom_hooks)
