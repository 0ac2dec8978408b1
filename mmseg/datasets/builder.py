"""The registries of data sets and transforms, and the loaders that feed training and tests."""

import signal
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import torch
from mmcv.utils import Registry
from torch.utils.data import DataLoader, Sampler

from mmseg.core.building import build_from_cfg
from mmseg.utils import distributed
from mmseg.utils.errors import UserError
from mmseg.utils.stop_request import STOP_SIGNALS
from mmseg.utils.worker_errors import told_in_one_line

from .collating import collate_batch
from .lost_batches import tell_of_lost_batches
from .samplers import EpochSampler, IterationSampler, SampleStream

# More workers than cores are a choice, on slow disks a good one.
warnings.filterwarnings('ignore', 'This DataLoader will create', UserWarning)

DATASETS = Registry('dataset', build_func=build_from_cfg)
# What mmsegmentation 0.16 takes lists of.
_LISTED = ('img_dir', 'ann_dir', 'split')
PIPELINES = Registry('transform', build_func=build_from_cfg)


def build_dataset(cfg: Any, default_args: Mapping[str, Any] | None = None) -> Any:
    """Build a data set, such as `dict(type='GTADataset', data_root=..., ...)`.

    Args:
        cfg: The config; `type` names a registered data set. A list of configs, and one in which
            `img_dir`, `ann_dir` or `split` are lists, make a `ConcatDataset`.
        default_args: Arguments for those that `cfg` does not give; for data sets made of others,
            theirs.

    Returns:
        The data set.

    Raises:
        UserError: For an unknown type or key, or data that is not as it should be.
    """
    if isinstance(cfg, list | tuple):
        cfg = {'type': 'ConcatDataset', 'datasets': cfg}
    if not isinstance(cfg, Mapping):
        return build_from_cfg(cfg, DATASETS, default_args)
    parts = {key: cfg[key] for key in ('datasets', 'dataset') if key in cfg}
    if any(isinstance(cfg.get(key), list | tuple) for key in _LISTED):
        separate = {'separate_eval': cfg['separate_eval']} if 'separate_eval' in cfg else {}
        cfg = {'type': 'ConcatDataset', 'datasets': _one_each(cfg), **separate}
        parts = {'datasets': cfg['datasets']}
    if not parts:
        return build_from_cfg(cfg, DATASETS, default_args)
    built = {
        key: [build_dataset(part, default_args) for part in value]
        if key == 'datasets' and isinstance(value, list | tuple)
        else build_dataset(value, default_args)
        for key, value in parts.items()
    }
    return build_from_cfg({**cfg, **built}, DATASETS)


def _one_each(cfg: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Take apart a config whose folders or splits are lists, of one length."""
    listed = {key: cfg[key] for key in _LISTED if isinstance(cfg.get(key), list | tuple)}
    lengths = {key: len(value) for key, value in listed.items()}
    if len(set(lengths.values())) > 1 or not all(lengths.values()):
        raise UserError(
            f'expected lists of one length in {" and ".join(lengths)}, got {lengths}: the first '
            'folder belongs to the first, and so on'
        )
    common = {key: value for key, value in cfg.items() if key != 'separate_eval'}
    number = next(iter(lengths.values()))
    return [{**common, **{k: v[i] for k, v in listed.items()}} for i in range(number)]


def build_dataloader(
    dataset: Any,
    samples_per_gpu: int,
    workers_per_gpu: int,
    num_gpus: int = 1,
    dist: bool = True,
    shuffle: bool = True,
    seed: int | None = 0,
    drop_last: bool = False,
    pin_memory: bool = True,
    persistent_workers: bool = True,
    *,
    start_iter: int = 0,
    max_iters: int | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    collate: Callable[[Sequence[Any]], Any] = collate_batch,
    prepare_worker: Callable[[], Any] | None = None,
    **loading: Any,
) -> DataLoader:
    """Build the loader of one process; the arguments before the star are mmsegmentation's.

    In training (`shuffle`) batch t is a function of (`seed`, t, `rank`): neither the number of
    workers nor where a run was interrupted matters. In tests images come once each, in order,
    every `world_size`-th to one process. With a GPU, batches lie in page-locked memory.

    Args:
        dataset: What to load; one that can `draw(position, seed)` decides what training is fed.
        samples_per_gpu: Batch size of a process.
        workers_per_gpu: Number of worker processes; 0 loads in this one.
        num_gpus: Only 1: each GPU has a process of its own.
        dist: Whether the processes of a group, where there is one, share the samples.
        shuffle: Whether to draw samples for training.
        seed: The run's seed; None for 0.
        drop_last: Whether a last batch of fewer images is left out, of an epoch or a test.
        pin_memory: Whether batches may lie in page-locked memory.
        persistent_workers: Whether workers of training live from one epoch to the next.
        start_iter: Number of iterations done already; their batches are left out.
        max_iters: Number of iterations in the whole run. With None the loader has a length: that of
            an epoch, and each pass goes through the next one.
        rank: Number of this process, from 0; None for what `dist` says.
        world_size: Number of processes; likewise.
        collate: Makes a batch of samples.
        prepare_worker: Called in each worker process before it loads.
        **loading: Further arguments of `DataLoader`.

    Returns:
        A loader of dicts of `mmcv.parallel.DataContainer`.

    Raises:
        UserError: For a batch size that is no number of images, and several GPUs in one process.
    """
    if num_gpus != 1:
        raise UserError(f'num_gpus: expected 1, a process for each GPU, got {num_gpus}')
    if not isinstance(samples_per_gpu, int) or samples_per_gpu < 1:
        raise UserError(
            f'data.samples_per_gpu: expected a whole number above 0, got {samples_per_gpu!r}'
        )
    rank = (distributed.rank() if dist else 0) if rank is None else rank
    world_size = (distributed.world_size() if dist else 1) if world_size is None else world_size
    loading = {
        'batch_size': samples_per_gpu,
        'num_workers': workers_per_gpu,
        'collate_fn': partial(_collate_told, collate),
        'pin_memory': pin_memory and torch.cuda.is_available(),
        'worker_init_fn': partial(_start_worker, prepare_worker),
        'persistent_workers': persistent_workers and shuffle and workers_per_gpu > 0,
        'drop_last': drop_last,
        **loading,
    }
    if not shuffle:
        return DataLoader(dataset, sampler=range(rank, len(dataset), world_size), **loading)
    sampler: Sampler[int]
    if max_iters is None:
        sampler = EpochSampler(len(dataset), rank, world_size)
    else:
        sampler = IterationSampler(samples_per_gpu, start_iter, max_iters, rank, world_size)
    return DataLoader(SampleStream(dataset, seed or 0), sampler=sampler, **loading)


def _collate_told(collate: Callable[[Sequence[Any]], Any], samples: Sequence[Any]) -> Any:
    with told_in_one_line('a batch'):
        return collate(samples)


def _start_worker(prepare: Callable[[], Any] | None, worker: int) -> None:
    tell_of_lost_batches()
    # One thread a worker: OpenCV would otherwise start one for each core in every worker.
    cv2.setNumThreads(0)
    if prepare is not None:
        prepare()
    # Ctrl-C and a scheduler's SIGTERM reach every process of a job; the first one decides.
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    # PyTorch's handlers print a line of their own; the main process tells what a worker died of.
    for number in (signal.SIGBUS, signal.SIGSEGV, signal.SIGFPE):
        signal.signal(number, signal.SIG_DFL)
