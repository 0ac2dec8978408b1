"""Repeatable algorithms, and the names of the operations that have none."""

import os
import re
import warnings
from typing import Any

import torch

from .logger import get_root_logger

_COMPLAINT = re.compile(r'^(\S+) does not have a deterministic implementation')
_found: list[str] = []


def make_deterministic() -> None:
    """Let PyTorch use repeatable algorithms, and name each operation that has none once it runs."""
    # cuBLAS repeats itself only with a workspace of a fixed size; read when CUDA starts.
    os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    if not isinstance(warnings.showwarning, _Listener):
        warnings.showwarning = _Listener(warnings.showwarning)


def nondeterministic_operations() -> list[str]:
    """Return the operations that ran since the start although they cannot be made repeatable."""
    return list(_found)


class _Listener:
    """Takes PyTorch's complaints out of the stream of warnings."""

    def __init__(self, show: Any) -> None:
        self.show = show

    def __call__(self, message: Warning | str, *args: Any, **kwargs: Any) -> None:
        complaint = _COMPLAINT.match(str(message))
        if complaint is None:
            self.show(message, *args, **kwargs)
        elif complaint[1] not in _found:
            _found.append(complaint[1])
            get_root_logger().warning(
                f'--deterministic: {complaint[1]} has no repeatable form on this device; '
                'results may differ from run to run'
            )
