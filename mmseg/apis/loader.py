"""Batches on the device, as plain tensors."""

import atexit
import multiprocessing
import traceback
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any
from weakref import WeakSet

import torch
from mmcv.parallel import DataContainer
from mmcv.utils import Config

from mmseg.core.settings import DataSettings, RunSettings
from mmseg.datasets import build_dataloader
from mmseg.datasets.collating import collate_alike
from mmseg.datasets.indexed_images import IndexedImages
from mmseg.datasets.pipelines import compact, resized_from
from mmseg.datasets.samplers import SampleStream
from mmseg.speed.heap import keep_freed_memory
from mmseg.utils.distributed import rank, world_size
from mmseg.utils.errors import UserError
from mmseg.utils.shared_memory import require_room_for_workers
from mmseg.utils.worker_errors import worker_problem

from .device_batches import BatchFinisher

_iterators: WeakSet[Any] = WeakSet()


def _end_workers() -> None:
    """End the workers of iterators that somebody still holds, such as the traceback of an error.

    At exit, multiprocessing would send them SIGTERM, which they ignore, and wait for ever.
    """
    for batches in list(_iterators):
        _end(batches)


def _end(batches: Any) -> None:
    """End an iterator's workers, those too that do not heed it."""
    batches._shutdown_workers()
    _kill(batches._workers)


def _kill(processes: Iterable[BaseProcess]) -> None:
    for process in processes:
        if process.is_alive():
            process.kill()


class DeviceLoader:
    """A data loader whose batches hold plain tensors and lists, moved to a device and finished.

    Args:
        loader: Yields batches, or lists of batches, as `mmcv.parallel.collate` makes them.
        device: Where tensors go.
    """

    def __init__(self, loader: Iterable[Any], device: torch.device | str) -> None:
        self.loader = loader
        self.device = torch.device(device)
        self._finish = BatchFinisher(self.device)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = self._start()
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except Exception as error:
                workers = getattr(batches, '_workers', ())
                problem = worker_problem(error, [worker.exitcode for worker in workers])
                if workers:
                    _end(batches)
                    self.loader._iterator = None  # type: ignore[attr-defined]
                if problem is None:
                    raise
                raise UserError(problem) from error
            for part in batch if isinstance(batch, list) else [batch]:
                yield self._finish({key: self._plain(value) for key, value in part.items()})

    def _start(self) -> Iterator[Any]:
        """Start the workers, all or none."""
        require_room_for_workers(getattr(self.loader, 'num_workers', 0))
        before = set(multiprocessing.active_children())
        try:
            batches = iter(self.loader)
        except OSError as error:
            _abandon(error, set(multiprocessing.active_children()) - before)
            problem = worker_problem(error)
            if problem is None:
                raise
            raise UserError(problem) from error
        if hasattr(batches, '_shutdown_workers'):
            _iterators.add(batches)
            # Here and not at import: from Python 3.13 on, a forked process forgets what its parent
            # registered. Once, and before what multiprocessing does at exit.
            atexit.unregister(_end_workers)
            atexit.register(_end_workers)
        return batches

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    @property
    def num_samples(self) -> int:
        """How many samples there are in all batches together."""
        return len(self.loader.sampler)  # type: ignore[attr-defined]

    @property
    def dataset(self) -> Any:
        """The dataset behind the loader."""
        dataset = self.loader.dataset  # type: ignore[attr-defined]
        return dataset.dataset if isinstance(dataset, SampleStream | IndexedImages) else dataset

    def _plain(self, value: Any) -> Any:
        if isinstance(value, DataContainer):
            # mmcv splits a batch into one part per GPU; here there is one.
            assert len(value.data) == 1, f'expected one part, got {len(value.data)}'
            return self._plain(value.data[0])
        if isinstance(value, torch.Tensor):
            return value.to(self.device, non_blocking=True)
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        return value


def build_train_loader(
    dataset: Any, cfg: Config, device: torch.device, start_iter: int = 0, max_iters: int = 1
) -> DeviceLoader:
    """Build the loader of a process in training; images are normalised on the device.

    Args:
        dataset: The training set.
        cfg: The run's config, of which `DataSettings` and the seed count.
        device: Where batches go.
        start_iter: Number of iterations done already.
        max_iters: Number of iterations in the whole run.

    Returns:
        A loader of the arguments of `train_step`.
    """
    data = DataSettings.of(cfg)
    if hasattr(dataset, 'with_pipeline'):
        if data.resized_cache is not None:
            dataset = dataset.with_pipeline(partial(resized_from, folder=data.resized_cache))
        dataset = dataset.with_pipeline(compact)
    loader = build_dataloader(
        dataset,
        data.samples_per_gpu,
        data.workers_per_gpu,
        start_iter=start_iter,
        max_iters=max_iters,
        seed=RunSettings.of(cfg).seed,
        rank=rank(),
        world_size=world_size(),
        prepare_worker=keep_freed_memory,
    )
    return DeviceLoader(loader, device)


def build_test_loader(
    dataset: Any, cfg: Config, device: torch.device, with_labels: bool | None = None
) -> DeviceLoader:
    """Build the loader of a process's share of a test set, neighbours of one size together.

    Args:
        dataset: The test set.
        cfg: The run's config, of which `DataSettings` count: `test_samples_per_gpu` is the most
            images of a batch, by default 1 on a CPU, where more gain nothing.
        device: Where batches go.
        with_labels: Whether the workers load the labels too; None for yes where there are any.

    Returns:
        A loader of batches of `img`, `img_metas`, `indices` in the dataset and perhaps `labels`.
    """
    data = DataSettings.of(cfg)
    batch_size = data.test_samples_per_gpu or (1 if device.type == 'cpu' else 4)
    loader = build_dataloader(
        IndexedImages(dataset, dataset.has_labels if with_labels is None else with_labels),
        batch_size,
        data.workers_per_gpu or 0,
        shuffle=False,
        rank=rank(),
        world_size=world_size(),
        collate=collate_alike,
        prepare_worker=keep_freed_memory,
    )
    return DeviceLoader(loader, device)


def _abandon(error: OSError, workers: Iterable[BaseProcess]) -> None:
    """End what was begun of a loader's iterator before an error."""
    _kill(workers)
    for frame, _ in traceback.walk_tb(error.__traceback__):
        unfinished = frame.f_locals.get('self')
        if hasattr(unfinished, '_shutdown_workers'):
            # It would look for what it has not made yet.
            unfinished._shutdown = True  # type: ignore[union-attr]
