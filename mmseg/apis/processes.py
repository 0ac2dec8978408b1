"""Joining the processes that `torchrun` started, and sharing a training out over them."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from mmseg.core.adaptation import student_of
from mmseg.utils.distributed import rank, world_size
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger


@contextmanager
def join_processes(gpu_id: int | None = None, backend: str = 'nccl') -> Iterator[torch.device]:
    """Join the process group of `torchrun`, where that started this process.

    Processes after the first one only log errors until training starts: all would say the same.

    Args:
        gpu_id: Index of a CUDA device for a process on its own.
        backend: Of communication between GPUs; CPUs use gloo.

    Yields:
        The device of this process: a GPU each where there are any, else the CPU.

    Raises:
        UserError: There are more processes than GPUs, or a GPU was asked for by its index.
    """
    if not dist.is_torchelastic_launched() or os.environ['WORLD_SIZE'] == '1':
        yield choose_device(gpu_id)
        return
    device = _own_device(gpu_id)
    dist.init_process_group(_backend(device, backend))
    if rank() > 0:
        get_root_logger().setLevel(logging.ERROR)
    yield device
    # Not after an error: the others may be waiting for this process, and torchrun ends them.
    # gloo's threads end with the last reference to the group, and networks in cycles hold some. A
    # thread that let go of a tensor while Python shuts down would abort the process.
    gc.collect()
    dist.destroy_process_group()


def share_out(model: nn.Module, device: torch.device, sync_bn: bool = False) -> None:
    """Make the training steps of a model steps of all processes together.

    Args:
        model: Segmentor or self-training model on its device; nothing happens to it where there is
            one process only.
        device: Where it is.
        sync_bn: Whether BatchNorm is to use the statistics of the batch of all processes.

    Raises:
        UserError: SyncBN is asked for on CPUs, or this model can't be trained by several processes.
    """
    if world_size() == 1:
        return
    student: Any = student_of(model)
    if not hasattr(student, 'average_gradients'):
        raise UserError(f'{type(student).__name__} cannot be trained by several processes')
    if sync_bn:
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if device.type == 'cpu' and any(isinstance(m, nn.SyncBatchNorm) for m in model.modules()):
        raise UserError(
            'SyncBN runs on GPUs only; on CPUs use BN (statistics of each process) or GN, or one '
            'process'
        )
    student.average_gradients()


def _own_device(gpu_id: int | None) -> torch.device:
    if gpu_id is not None:
        raise UserError(
            'several processes take a GPU each: leave the GPU id out and choose GPUs with '
            'CUDA_VISIBLE_DEVICES=0,1,...'
        )
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    num_here = int(os.environ['LOCAL_WORLD_SIZE'])
    if num_gpus == 0:
        return choose_device()
    if num_here > num_gpus:
        raise UserError(
            f'{num_here} processes were started on a machine with {num_gpus} visible GPUs: start '
            'at most one a GPU'
        )
    return choose_device(int(os.environ['LOCAL_RANK']))


def _backend(device: torch.device, of_gpus: str) -> str:
    # NCCL knows nothing of CPU tensors, such as the memory used that mmcv's logger compares.
    return 'gloo' if device.type == 'cpu' else f'cpu:gloo,cuda:{of_gpus}'
