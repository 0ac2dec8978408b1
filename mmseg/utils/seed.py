"""Random generators that are functions of (part, seed, position), never of history.

Every part that draws has a name of its own, and no two names share a stream.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive_seed(part: str, *keys: int) -> int:
    """Mix a name and integers into one well-spread 63-bit seed.

    Args:
        part: Name of what draws.
        *keys: The run's seed, then whatever tells the draw from others of this part (iteration,
            rank, position, …).

    Returns:
        An integer in [0, 2**63), the same on every platform for the same name and keys.
    """
    return _digest(part, *keys) >> 65


def numpy_generator(part: str, *keys: int) -> np.random.Generator:
    """Return the NumPy generator that belongs to a part and its keys."""
    return np.random.default_rng(_digest(part, *keys))


def torch_generator(part: str, *keys: int) -> torch.Generator:
    """Return the CPU torch generator that belongs to a part and its keys."""
    return torch.Generator().manual_seed(derive_seed(part, *keys))


@contextmanager
def layers_draw_from(device: torch.device, part: str, *keys: int) -> Iterator[None]:
    """Let dropout and the like draw from a stream of their own for a while.

    Layers take no generator. Outside this context they draw as if it had not been there.

    Args:
        device: Where they compute.
        part: Name of what draws.
        *keys: As for `derive_seed`.
    """
    with torch.random.fork_rng([device] if device.type == 'cuda' else []):
        torch.manual_seed(derive_seed(part, *keys))
        yield


def _digest(part: str, *keys: int) -> int:
    """Hash a name and integers to 128 bits; sequences of other lengths are others."""
    text = repr((part, *map(int, keys)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')


@contextmanager
def np_local_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator in a block, and put it back at its end; DAFormer's name."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
