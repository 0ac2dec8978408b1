"""What the processor is good at."""

import functools
import platform
from pathlib import Path

import torch

_DESCRIPTION = Path('/proc/cpuinfo')


@functools.cache
def convolutions_multiply_quicker() -> bool:
    """Say whether float32 matrices are multiplied quicker as 1 × 1 convolutions here.

    PyTorch multiplies them by MKL, which leaves half of AVX-512 unused on processors that are not
    Intel's; it convolves by oneDNN, which does not.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    return torch.backends.cpu.get_cpu_capability() == 'AVX512' and not _is_of_intel()


def _is_of_intel() -> bool:
    try:
        description = _DESCRIPTION.read_text(encoding='utf-8', errors='replace')
    except OSError:
        description = platform.processor()
    return 'Intel' in description
