"""Whether the processes of a run still hold the same network, teacher and bank."""

import hashlib
import itertools
from collections.abc import Iterable, Mapping

import torch

from mmseg.utils.distributed import gather_over_processes
from mmseg.utils.errors import UserError


def fingerprint(tensors: Iterable[torch.Tensor]) -> int:
    """Hash tensors of any types, bit by bit.

    Args:
        tensors: The tensors, in an order that counts.

    Returns:
        A signed 64-bit integer.
    """
    digest = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous().flatten()
        digest.update(plain.view(torch.uint8).numpy().tobytes())
    return int.from_bytes(digest.digest(), 'little', signed=True)


def check_alike(
    state_dict: Mapping[str, torch.Tensor], device: torch.device | str, iteration: int
) -> None:
    """Make sure that all processes hold the same state, bit for bit.

    Args:
        state_dict: State of the whole model; its parts are told apart by the first name of a key.
        device: Where the processes may exchange tensors.
        iteration: Finished iterations, for the message.

    Raises:
        UserError: Names the parts that differ and the processes that differ from the first, on
            every process.
    """
    parts: dict[str, list[torch.Tensor]] = {}
    for key, tensor in state_dict.items():
        parts.setdefault(key.split('.')[0], []).append(tensor)
    own = torch.tensor([[fingerprint(tensors) for tensors in parts.values()]], device=device)
    everyone = gather_over_processes(own).cpu()
    differs = everyone != everyone[0]
    if differs.any():
        names = ', '.join(itertools.compress(parts, differs.any(0).tolist()))
        others = ', '.join(map(str, differs.any(1).nonzero()[:, 0].tolist()))
        raise UserError(
            f'the processes have drifted apart by iteration {iteration}: {names} of process '
            f'{others} differ from those of process 0; resume from the last checkpoint, and if it '
            'happens again look for a faulty GPU or for code that draws or decides on its own'
        )
