"""What an iteration depends on besides weights, optimizer and its number."""

from collections.abc import Mapping
from typing import Any

import torch
from mmcv.runner import LogBuffer

from mmseg.utils.distributed import gather_objects, rank
from mmseg.utils.random_state import random_state, restore_random_state

from .deferred_numbers import DeferredLogBuffer
from .optimizer_step import OptimizerStep
from .precision import Precision


def training_state(
    log_buffer: DeferredLogBuffer,
    precision: Precision,
    step: OptimizerStep,
    optimizer: torch.optim.Optimizer,
) -> dict[str, Any]:
    """Collect it, from all processes together.

    Args:
        log_buffer: Values since the last line of the log.
        precision: Holds the loss scale.
        step: Holds the gradients of a step that is not taken yet.
        optimizer: That step's.

    Returns:
        Plain values and tensors, for a checkpoint.
    """
    log_buffer.settle()
    return {
        'log_values': {key: list(values) for key, values in log_buffer.val_history.items()},
        'log_counts': {key: list(counts) for key, counts in log_buffer.n_history.items()},
        'scaler': precision.state_dict(),
        'gradients': step.state_dict(optimizer, precision),
        'random_states': gather_objects(random_state()),
    }


def restore_training_state(state: Mapping[str, Any], precision: Precision) -> None:
    """Take up loss scale and random generators; a process that there was not before starts its own.

    Args:
        state: From `training_state`; what it lacks is left as it is.
        precision: Takes the loss scale.
    """
    precision.load_state_dict(state.get('scaler') or {})
    random_states = state.get('random_states', [])
    if rank() < len(random_states):
        restore_random_state(random_states[rank()])


def restore_log_values(state: Mapping[str, Any], log_buffer: LogBuffer) -> None:
    """Take up the values since the last line of the log."""
    log_buffer.val_history.update(state.get('log_values', {}))
    log_buffer.n_history.update(state.get('log_counts', {}))
