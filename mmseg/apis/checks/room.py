"""Whether disk and shared memory have room for what the run writes and hands over."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmseg.core.checkpoint_reading import saved_checkpoints
from mmseg.core.settings import CheckpointSettings, DataSettings, EvaluationSettings, RunnerSettings
from mmseg.utils.shared_memory import free_shared_memory, human_bytes, too_small, worker_overhead

from .run import Finding, Findings, RunUnderCheck

# Batches that a worker of PyTorch's loader makes ahead, and the one in use.
_NUM_AHEAD = 2
_PAGE = 4096
# What optimizers keep of every weight that learns: momenta, in its own size.
_NUM_MOMENTA = {'SGD': 1, 'RMSprop': 1, 'Adagrad': 1}


def work_dir_can_be_written(run: RunUnderCheck) -> Findings:
    """Look for the right to write into the work dir."""
    folder = _existing(Path(run.cfg.work_dir))
    if not folder.is_dir():
        yield Finding('error', f'work dir {run.cfg.work_dir}: {folder} is a file, not a folder')
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            'error',
            f'work dir {run.cfg.work_dir}: this user may not write into {folder}; choose another '
            'with --work-dir',
        )


def disk_has_room(run: RunUnderCheck) -> Findings:
    """Compare the room on the disk with what the checkpoints take that the run keeps."""
    folder = Path(run.cfg.work_dir)
    size = checkpoint_bytes(run.model, run.cfg.optimizer)
    there = len(saved_checkpoints(folder)) if folder.is_dir() else 0
    num = max(num_checkpoints(run) - there, 1)
    free = shutil.disk_usage(_existing(folder)).free
    if num * size > free:
        yield Finding(
            'error',
            f'work dir {folder}: {human_bytes(free)} are free there, and {num} checkpoints of '
            f'{human_bytes(size)} are to be kept: set checkpoint_config.max_keep_ckpts=1 or a '
            'larger interval, make room, or choose another --work-dir',
        )


def checkpoint_bytes(model: nn.Module, optimizer: Mapping[str, Any]) -> int:
    """Estimate how large a checkpoint is.

    Args:
        model: What is saved.
        optimizer: Its config.
    """
    state = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    learning = (p for p in model.parameters() if p.requires_grad)
    learnt = sum(p.numel() * p.element_size() for p in learning)
    num_momenta = _NUM_MOMENTA.get(str(optimizer.get('type')), 2)
    if optimizer.get('type') == 'SGD' and not optimizer.get('momentum'):
        num_momenta = 0
    return state + num_momenta * learnt


def num_checkpoints(run: RunUnderCheck) -> int:
    """Return how many checkpoints there are at once: those kept, the best, one being written."""
    settings = CheckpointSettings.of(run.cfg).checkpoint_config or {}
    interval, keep = settings.get('interval', -1), settings.get('max_keep_ckpts', -1)
    max_iters = RunnerSettings.of(run.cfg).max_iters
    num = 1 if interval < 1 else -(-max_iters // interval)
    has_best = run.validate and EvaluationSettings.of(run.cfg).save_best is not None
    return (num if keep < 1 else min(num, keep + 1)) + (1 if has_best and num > 1 else 0)


def shared_memory_has_room(run: RunUnderCheck) -> Findings:
    """Compare shared memory with the batches that loading workers put there."""
    num_workers, free = DataSettings.of(run.cfg).workers_per_gpu, free_shared_memory()
    if num_workers == 0 or free is None:
        return
    num_processes = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    batch = batch_bytes(run)
    workers = num_processes * num_workers
    needed = workers * _NUM_AHEAD * batch + num_processes * worker_overhead(num_workers)
    if needed > free:
        what = (
            f'{workers} workers that load {_NUM_AHEAD} batches of {human_bytes(batch)} ahead need '
            f'{human_bytes(needed)}'
        )
        yield Finding('error', too_small(what))


def batch_bytes(run: RunUnderCheck) -> int:
    """Return what a training batch takes in shared memory, in pages, as workers hand it over."""
    return sum(_pages(value) for value in run.raw_batch.values())


def _pages(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return -(-value.numel() * value.element_size() // _PAGE) * _PAGE
    parts = getattr(value, 'data', value)
    return sum(map(_pages, parts)) if isinstance(parts, list | tuple) else 0


def _existing(path: Path) -> Path:
    """Return the path, or the nearest above it that is there."""
    return next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
