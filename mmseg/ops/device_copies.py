"""Moving small host tensors to a device without waiting for it."""

import numpy as np
import torch


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy host values to a device behind the work that it has to do already.

    A plain `.to(device)` from pageable memory waits until a GPU has done everything before it.

    Args:
        values: A tensor on the CPU.
        device: Where it is to go.

    Returns:
        The tensor there, `values` itself where that is the CPU.

    >>> images, draws = torch.zeros(2, 3, 4, 4), torch.tensor([0.2, 0.9])
    >>> to_device(draws, images.device).device == images.device
    True
    """
    if device.type == 'cuda':
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


class HostCopy:
    """A device's tensor on its way to the host, while both go on with other work.

    Args:
        tensor: A tensor on any device, not to be changed before `wait` has returned.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self._values = tensor
        self._arrival: torch.cuda.Event | None = None
        if tensor.device.type == 'cuda':
            self._values = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._values.copy_(tensor, non_blocking=True)
            self._arrival = torch.cuda.Event()
            self._arrival.record()

    def is_there(self) -> bool:
        """Say whether the values have arrived."""
        return self._arrival is None or self._arrival.query()

    def wait(self) -> torch.Tensor:
        """Return the values as soon as they are there."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return self._values if self._values.device.type == 'cpu' else self._values.cpu()


def writable_tensor(array: np.ndarray) -> torch.Tensor:
    """Turn an array into a tensor; one that must not be written to, as of a mapped file, copied.

    >>> array = np.arange(3)
    >>> array.flags.writeable = False
    >>> writable_tensor(array).add_(1).tolist(), array.tolist()
    ([1, 2, 3], [0, 1, 2])
    """
    return torch.from_numpy(array if array.flags.writeable else array.copy())
