"""Random generators that are functions of (seed, position), never of history."""

import numpy as np
import torch


def derive_seed(*keys: int) -> int:
    """Mix non-negative integers into one well-spread 63-bit seed.

    Args:
        *keys: The run's seed, then whatever names the draw (iteration, place in the batch, …).

    Returns:
        An integer in [0, 2**63), the same on every platform for the same keys.
    """
    low, high = np.random.SeedSequence(keys).generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) >> 1


def numpy_generator(*keys: int) -> np.random.Generator:
    """Return the NumPy generator that belongs to `keys`."""
    return np.random.default_rng(keys)


def torch_generator(*keys: int) -> torch.Generator:
    """Return the CPU torch generator that belongs to `keys`."""
    return torch.Generator().manual_seed(derive_seed(*keys))
