"""Batches on the device, as plain tensors."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from mmcv.parallel import DataContainer
from mmcv.utils import Config

from mmseg.datasets import build_dataloader
from mmseg.utils.distributed import rank, world_size
from mmseg.utils.errors import UserError


class DeviceLoader:
    """A data loader whose batches hold plain tensors and lists, moved to a device.

    Args:
        loader: Yields batches as `mmcv.parallel.collate` makes them.
        device: Where tensors go.
    """

    def __init__(self, loader: Iterable[Mapping[str, Any]], device: torch.device | str) -> None:
        self.loader = loader
        self.device = torch.device(device)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = iter(self.loader)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except UserError as error:
                raise UserError(_message_of_worker(error)) from error
            except RuntimeError as error:
                if 'DataLoader worker' not in str(error):
                    raise
                raise UserError(
                    f'a process that loads data died ({str(error).splitlines()[0]}), often for '
                    'want of memory: lower data.workers_per_gpu'
                ) from error
            yield {key: self._plain(value) for key, value in batch.items()}

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    @property
    def dataset(self) -> Any:
        """The dataset behind the loader."""
        return self.loader.dataset  # type: ignore[attr-defined]

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


def build_test_loader(dataset: Any, cfg: Config, device: torch.device) -> DeviceLoader:
    """Build the loader of a test set: one image at a time, in order, shared by all processes."""
    loader = build_dataloader(
        dataset,
        1,
        cfg.data.workers_per_gpu,
        shuffle=False,
        rank=rank(),
        world_size=world_size(),
    )
    return DeviceLoader(loader, device)


def _message_of_worker(error: UserError) -> str:
    """Take the message alone: PyTorch puts a worker's whole traceback before it."""
    message = str(error).strip()
    if not message.startswith('Caught '):
        return message
    return message.splitlines()[-1].partition('Error: ')[2]
