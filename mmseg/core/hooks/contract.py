"""What training asks of a hook, and what a hook may ask of training."""

import logging
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

# What mmcv calls around epochs and validation epochs, of which there are none here.
NEVER_CALLED = (
    'after_epoch',
    'after_train_epoch',
    'before_val_epoch',
    'after_val_epoch',
    'before_val_iter',
    'after_val_iter',
)


@runtime_checkable
class Training(Protocol):
    """The runner, as hooks see it (`mmseg.core.runner.IterBasedRunner`).

    Attributes:
        model: What is trained, with `train_step`.
        optimizer: Its optimizer.
        device: Where it is.
        iter: Iterations that were finished before this one.
        max_iters: Iterations in all.
        data_batch: What the iteration learns from, during an iteration.
        outputs: What `train_step` returned, after an iteration: 'loss', 'log_vars', 'num_samples'.
        log_buffer: What was logged since the last line of the log.
        logger: Of the screen and the log file.
        work_dir: Folder of the run.
        rank: Number of this process; the first, 0, writes files.
        meta: Plain values that are saved with checkpoints.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    device: torch.device
    iter: int
    max_iters: int
    data_batch: Any
    outputs: dict[str, Any]
    log_buffer: Any
    logger: logging.Logger
    work_dir: str | Path
    rank: int
    meta: dict[str, Any] | None


@runtime_checkable
class TrainingHook(Protocol):
    """Looks on while a network is trained, or steps in: a subclass of `mmcv.runner.Hook`.

    Methods that it does not need are inherited. Nothing is called around epochs or validation
    (`NEVER_CALLED`). An interrupted run goes on in a new process: what a hook must remember stands
    in files or in `meta`, or follows from the iteration.
    """

    def before_run(self, runner: Training) -> None:
        """Act before the first iteration of this process; a resumed run has some behind it."""

    def before_train_iter(self, runner: Training) -> None:
        """Act before a training step, the batch being there."""

    def after_train_iter(self, runner: Training) -> None:
        """Act after a training step: losses in `outputs`; in order of priority.

        The optimizer steps at 'ABOVE_NORMAL'; the log's line, the checkpoint and the evaluation
        follow at 'VERY_LOW' and 'LOWEST'.
        """

    def after_run(self, runner: Training) -> None:
        """Act after the last iteration; not where the run was stopped before."""
