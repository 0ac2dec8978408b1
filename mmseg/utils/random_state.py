"""The state of a process's random generators, as plain values that any checkpoint may hold."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Return the states of Python's, NumPy's and PyTorch's global generators.

    Returns:
        'python', 'numpy', 'torch' and, where a GPU is in use, 'cuda' (that of the current one).
    """
    numpy_state = np.random.get_state(legacy=False)
    words = numpy_state['state']['key'].tolist()
    state: dict[str, Any] = {
        'python': random.getstate(),
        'numpy': {**numpy_state, 'state': {**numpy_state['state'], 'key': words}},
        'torch': torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Set the generators to what `random_state` returned; absent ones are left as they are."""
    random.setstate(state['python'])
    words = np.asarray(state['numpy']['state']['key'], np.uint32)
    np.random.set_state({**state['numpy'], 'state': {**state['numpy']['state'], 'key': words}})
    torch.set_rng_state(state['torch'])
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'])
