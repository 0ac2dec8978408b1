"""What an iteration depends on besides weights, optimizer and its number."""

from collections.abc import Mapping
from typing import Any

import torch
from mmcv.runner import LogBuffer

from mmseg.utils.distributed import gather_objects, rank
from mmseg.utils.random_state import random_state, restore_random_state


def training_state(log_buffer: LogBuffer, scaler: torch.amp.GradScaler | None) -> dict[str, Any]:
    """Collect it, from all processes together.

    Args:
        log_buffer: Values since the last line of the log.
        scaler: Scaler of the loss, if there is one.

    Returns:
        Plain values and tensors, for a checkpoint.
    """
    return {
        'log_values': {key: list(values) for key, values in log_buffer.val_history.items()},
        'log_counts': {key: list(counts) for key, counts in log_buffer.n_history.items()},
        'scaler': None if scaler is None else scaler.state_dict(),
        'random_states': gather_objects(random_state()),
    }


def restore_training_state(state: Mapping[str, Any], scaler: torch.amp.GradScaler | None) -> None:
    """Take up scaler and random generators; a process that there was not before starts its own.

    Args:
        state: From `training_state`; what it lacks is left as it is.
        scaler: Scaler of the loss, if there is one.
    """
    if scaler is not None and state.get('scaler'):
        scaler.load_state_dict(state['scaler'])
    random_states = state.get('random_states', [])
    if rank() < len(random_states):
        restore_random_state(random_states[rank()])


def restore_log_values(state: Mapping[str, Any], log_buffer: LogBuffer) -> None:
    """Take up the values since the last line of the log."""
    log_buffer.val_history.update(state.get('log_values', {}))
    log_buffer.n_history.update(state.get('log_counts', {}))
