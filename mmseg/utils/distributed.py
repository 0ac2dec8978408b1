"""Which process this is, and values that the processes of a run share.

Without a process group every function acts as the only process there is: it sends nothing and
returns what it was given. All processes must call a function together, with tensors of one shape.
W processes; a global batch is theirs in a row, process by process.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from .errors import UserError

Values = TypeVar('Values', torch.Tensor, list)


def world_size() -> int:
    """Return the number of processes W that share the run."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def own_part(values: Values) -> Values:
    """Return what belongs to this process of values drawn for the global batch.

    Args:
        values: One value an image (W·B, ...), the same on every process.

    Returns:
        Those of this process's images (B, ...).
    """
    size = len(values) // world_size()
    return values[rank() * size : (rank() + 1) * size]


def sum_over_processes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the sum of every process's tensor; no gradient passes."""
    if world_size() == 1:
        return tensor
    total = tensor.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


def mean_over_processes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the mean of every process's tensor; no gradient passes."""
    return tensor if world_size() == 1 else sum_over_processes(tensor) / world_size()


def any_over_processes(mask: torch.Tensor) -> torch.Tensor:
    """Return where a mask (bool) of any process is true."""
    return mask if world_size() == 1 else sum_over_processes(mask.int()) > 0


def gather_objects(value: Any) -> list[Any]:
    """Return every process's plain value, in their order."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def done_by_first(function: Callable[[], Any]) -> Any:
    """Call a function on the first process and return its plain value on all of them.

    Raises:
        UserError: The function raised it; all processes end alike, and none waits for another.
    """
    if world_size() == 1:
        return function()
    outcome: list[Any] = [None, None]
    if rank() == 0:
        try:
            outcome[0] = function()
        except UserError as error:
            outcome[1] = str(error)
    dist.broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise UserError(outcome[1])
    return outcome[0]


def gather_over_processes(tensor: torch.Tensor) -> torch.Tensor:
    """Join every process's tensor (B, ...) in their order: (W·B, ...); no gradient passes."""
    if world_size() == 1:
        return tensor
    own = tensor.detach().contiguous()
    parts = [torch.empty_like(own) for _ in range(world_size())]
    dist.all_gather(parts, own)
    return torch.cat(parts)
