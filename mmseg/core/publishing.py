"""A checkpoint fit to be given away: one network, and what says how to use it."""

import io
from collections.abc import Mapping
from typing import Any

import torch

from .checkpoint import Branch, select_branch

# What of the meta data says how to use the weights.
KEPT = ('CLASSES', 'PALETTE', 'config', 'iter', 'seed', 'git_revision', 'temperature')


def published(checkpoint: Mapping[str, Any], branch: Branch) -> bytes:
    """Return the content of the file to give away.

    Args:
        checkpoint: What `read_checkpoint` returned.
        branch: 'model' for the student, 'ema_model' for the teacher.

    Returns:
        The same bytes for the same weights and meta data.

    Raises:
        UserError: The teacher is asked for and there is none.
    """
    state = select_branch(checkpoint['state_dict'], branch)
    meta = checkpoint.get('meta', {})
    buffer = io.BytesIO()
    content = {
        'meta': {key: meta[key] for key in KEPT if key in meta},
        # Clones hold no more than themselves, whatever they were cut from.
        'state_dict': {key: value.clone() for key, value in state.items()},
    }
    torch.save(content, buffer)
    return buffer.getvalue()
