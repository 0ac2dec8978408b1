"""Training: from a model, a dataset and a config to a work dir full of results."""

import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from mmcv.runner import HOOKS, Hook, IterTimerHook, build_runner
from mmcv.utils import Config
from torch import nn

from mmseg.core.adaptation import AdaptationMethod, bank_of
from mmseg.core.building import build_from_cfg
from mmseg.core.hooks import (
    BankHook,
    CheckpointHook,
    DebugPanelHook,
    IterationSeedHook,
    NonFiniteHook,
    ProcessesHook,
    ResultHook,
)
from mmseg.core.run_files import leave_branch, remove_run
from mmseg.core.runner import IterBasedRunner
from mmseg.core.settings import (
    CheckpointSettings,
    DataSettings,
    DistributionSettings,
    LoggingSettings,
    RunnerSettings,
    RunSettings,
    SpeedSettings,
    TrainingSettings,
)
from mmseg.datasets.class_statistics import statistics_of
from mmseg.speed import quicken
from mmseg.utils.atomic import remove_unfinished
from mmseg.utils.command import in_several_processes
from mmseg.utils.determinism import make_deterministic
from mmseg.utils.distributed import done_by_first, rank, world_size
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from mmseg.utils.seed import derive_seed

from .claim import claim_work_dir
from .custom_hooks import build_custom_hooks
from .evaluation import build_evaluation_hook
from .loader import build_train_loader
from .memory import TRAINING_KNOBS, explained_memory
from .optimizer import build_optimizer, build_optimizer_hook
from .processes import share_out
from .resumed_settings import tell_changed_settings
from .run_datasets import name_classes
from .schedule import build_schedule, check_schedule
from .start import Start, find_start
from .work_dir import save_config


def set_random_seed(seed: int, deterministic: bool = False) -> None:
    """Seed Python, NumPy and PyTorch.

    Args:
        seed: Seed of the run.
        deterministic: Whether PyTorch is to use repeatable algorithms where it has them.
    """
    random.seed(seed)
    np.random.seed(derive_seed('numpy', seed) % 2**32)
    torch.manual_seed(seed)
    if deterministic:
        make_deterministic()


def train_segmentor(
    model: nn.Module,
    dataset: Any,
    cfg: Config,
    distributed: bool = False,
    validate: bool = False,
    timestamp: str | None = None,
    meta: Mapping[str, Any] | None = None,
    device: torch.device | None = None,
    auto_resume: bool = False,
    trust_checkpoint: bool = False,
    overwrite: bool = False,
    hooks: Sequence[Hook] = (),
) -> IterBasedRunner:
    """Train a model; name and arguments are mmsegmentation's.

    Args:
        model: From `build_train_model`.
        dataset: Training set, or a list of one.
        cfg: The run's config, with `work_dir`.
        distributed: Whether a process group is expected. The processes of a group share the
            training in any case; see `join_processes`.
        validate: Whether to evaluate on `cfg.data.val` while training.
        timestamp: Start of the run, names its logs.
        meta: Plain values for the log and the checkpoints: seed, config text, …
        device: Where to train, by default what is there.
        auto_resume: Whether to go on from the newest whole checkpoint in the work dir, if any.
        trust_checkpoint: Whether checkpoints may run code.
        overwrite: Whether what another run has left in the work dir is removed, right before
            training begins.
        hooks: What else looks on, after the evaluation: `mmseg.report.ReportHook()`, for example.

    Returns:
        The runner after its last iteration; `is_stopped` where a signal ended the run before.

    Raises:
        UserError: A setting is not known or can't be used, or the work dir holds another run.
    """
    if distributed and not dist.is_initialized():
        started = ' '.join(in_several_processes('CONFIG', 'N'))
        raise UserError(f'there are no processes to share the training: use {started}')
    device = choose_device() if device is None else device
    done_by_first(lambda: claim_work_dir(cfg, auto_resume, overwrite))
    start = find_start(cfg, auto_resume, trust_checkpoint)
    if start is not None and isinstance(model, AdaptationMethod):
        model.match_state(start.content['state_dict'])
    dataset = dataset[0] if isinstance(dataset, list | tuple) else dataset
    run = RunSettings.of(cfg)
    benchmark = run.cudnn_benchmark and not run.deterministic
    torch.backends.cudnn.benchmark = benchmark and device.type == 'cuda'
    name_classes(dataset, cfg)
    model.CLASSES, model.PALETTE = dataset.CLASSES, dataset.PALETTE
    _share_bank_out(model, dataset)
    model.to(device)
    quicken(model, device, SpeedSettings.of(cfg))
    share_out(model, device, DistributionSettings.of(cfg).sync_bn)
    runner = _build_runner(model, cfg, device, meta)
    runner.timestamp = timestamp or runner.timestamp
    _register_hooks(runner, cfg, validate, hooks)
    if start is not None:
        tell_changed_settings(start.content.get('meta', {}), cfg)
        runner.resume(start.path, trust_checkpoint, start.content)
    else:
        _load_weights(runner, cfg, trust_checkpoint)
    if rank() == 0:
        _take_work_dir(runner, cfg, start, overwrite)
    if rank() > 0:
        # From here on each process meets files that only it reads.
        get_root_logger().setLevel(logging.WARNING)
    with explained_memory(device, TRAINING_KNOBS):
        runner.run(build_train_loader(dataset, cfg, device, runner.iter, runner.max_iters))
    return runner


def class_pixels(source: Any, num_classes: int) -> list[int]:
    """Count the pixels of each class in a source set, from its class statistics.

    Args:
        source: The labelled data set, with or without rare class sampling around it.
        num_classes: C.

    Returns:
        Pixels (C,).

    Raises:
        UserError: The statistics are missing or do not fit the data set.
    """
    stats = statistics_of(getattr(source, 'source', source)).stats()
    return [sum(image.get(c, 0) for image in stats) for c in range(num_classes)]


def _load_weights(runner: IterBasedRunner, cfg: Config, trust: bool) -> None:
    """Take the first weights from a checkpoint, if the config names one."""
    settings = CheckpointSettings.of(cfg)
    left_out = settings.load_except or []
    if settings.load_from:
        left_out = [left_out] if isinstance(left_out, str) else left_out
        runner.load_checkpoint(settings.load_from, trust, left_out)
    elif left_out:
        raise UserError(f'load_except ({left_out}) leaves entries of load_from out: set that too')


def _take_work_dir(
    runner: IterBasedRunner, cfg: Config, start: Start | None, overwrite: bool
) -> None:
    """Make the work dir this run's: nothing that could stop it is left to be found out."""
    work_dir = Path(cfg.work_dir)
    remove_unfinished(work_dir)
    if overwrite:
        remove_run(work_dir, runner.timestamp)
    resumed = None if start is None else Path(start.path)
    leave_branch(work_dir, runner.iter, resumed, runner.timestamp)
    if 'config' in (runner.meta or {}):
        save_config(cfg, work_dir)


def _share_bank_out(model: nn.Module, dataset: Any) -> None:
    """Tell an unfilled instance bank which classes the labelled sets hold, and how much."""
    bank, source = bank_of(model), getattr(dataset, 'source', None)
    if bank is None or source is None or bank.is_full:
        return
    sets = (source, getattr(dataset, 'target_labelled', None))
    labelled = [part for part in sets if part is not None]
    try:
        counts = [class_pixels(part, bank.num_classes) for part in labelled]
        bank.set_class_pixels([sum(of_class) for of_class in zip(*counts, strict=True)])
    except UserError as error:
        get_root_logger().warning(
            f'every class gets the same share of the bank, and what classes that the source lacks '
            f'leave unfilled goes to others late: {error}'
        )


def _build_runner(
    model: nn.Module, cfg: Config, device: torch.device, meta: Mapping[str, Any] | None
) -> IterBasedRunner:
    training, length = TrainingSettings.of(cfg), RunnerSettings.of(cfg)
    workflow = [tuple(step) for step in RunSettings.of(cfg).workflow]
    if workflow != [('train', 1)]:
        raise UserError(f"workflow: only [('train', 1)] is supported, got {workflow}")
    if length.type != 'IterBasedRunner' or length.max_iters is None:
        raise UserError(f'runner: expected IterBasedRunner with max_iters, got {dict(cfg.runner)}')
    global_batch = DataSettings.of(cfg).samples_per_gpu * world_size()
    settings = {
        'model': model,
        'optimizer': build_optimizer(model, training.optimizer),
        'work_dir': str(cfg.work_dir),
        'logger': get_root_logger(),
        'meta': {**(meta or {}), 'global_batch': global_batch},
        'device': device,
        'amp': training.amp,
        'loss_scale': training.loss_scale,
    }
    return build_runner(dict(cfg.runner), settings)


def _register_hooks(
    runner: IterBasedRunner, cfg: Config, validate: bool, more: Sequence[Hook]
) -> None:
    """Register hooks in the order in which they act within an iteration."""
    run, training, logs = RunSettings.of(cfg), TrainingSettings.of(cfg), LoggingSettings.of(cfg)
    runner.register_hook(IterationSeedHook(run.seed), 'HIGHEST')
    schedule = build_schedule(training.lr_config)
    check_schedule(schedule, runner.optimizer, runner.max_iters, training.lr_may_rise)
    runner.register_hook(schedule, 'VERY_HIGH')
    runner.register_hook(build_optimizer_hook(training.optimizer_config), 'ABOVE_NORMAL')
    runner.register_hook(NonFiniteHook(training.max_skipped_steps), 'NORMAL')
    if world_size() > 1:
        runner.register_hook(
            ProcessesHook(DistributionSettings.of(cfg).check_interval), 'BELOW_NORMAL'
        )
    runner.register_hook(IterTimerHook(), 'LOW')
    runner.register_hook(BankHook(logs.interval), 'LOW')
    for logger in logs.hooks:
        hook = build_from_cfg(logger, HOOKS, {'interval': logs.interval})
        runner.register_hook(hook, 'VERY_LOW')
    _register_writers(runner, cfg, validate)
    for hook in more:
        runner.register_hook(hook, 'LOWEST')
    for hook, priority in build_custom_hooks(run.custom_hooks):
        runner.register_hook(hook, priority)


def _register_writers(runner: IterBasedRunner, cfg: Config, validate: bool) -> None:
    """Register what writes files, after the line of the log: panels, checkpoints, evaluation."""
    model = runner.model
    if isinstance(model, AdaptationMethod):
        classes, palette = model.CLASSES or (), model.PALETTE or ()
        panels = DebugPanelHook(model.debug_img_interval, classes, palette)
        runner.register_hook(panels, 'VERY_LOW')
    checkpoints = CheckpointSettings.of(cfg).checkpoint_config
    hook = build_from_cfg({'type': CheckpointHook, **(checkpoints or {})}, HOOKS)
    runner.register_hook(hook, 'VERY_LOW')
    evaluation = None
    if validate:
        evaluation = build_evaluation_hook(cfg, runner.device, bank_of(model))
    if evaluation is not None:
        runner.register_hook(evaluation, 'LOWEST')
    runner.register_hook(ResultHook(evaluation), 'LOWEST')
