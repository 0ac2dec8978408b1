"""What to do where memory does not suffice."""

import contextlib
from collections.abc import Iterator

import torch

from mmseg.utils.environment import peak_memory_gb
from mmseg.utils.errors import UserError
from mmseg.utils.memory_errors import memory_problem

# Figures of benchmarks/memory_knobs.py, for MiT-B5 and two images of 512×512.
TRAINING_KNOBS = (
    'what a forward pass keeps goes from 4.2 GiB to 1.6 with model.backbone.with_cp=True, to 2.3 '
    'with amp=bf16, to 0.8 with both, to 2.1 with data.samples_per_gpu=1, to 2.4 with crops of '
    '384×384 in place of 512×512, to 1.7 with MiT-B0 in place of MiT-B5'
)
TESTING_KNOBS = (
    'data.test_samples_per_gpu=1; model.test_cfg.mode=slide; '
    'a smaller img_scale in the test pipeline'
)

SEGMENTING_KNOBS = (
    '--batch-size 1; --scale below 1, or none for the size that the config tests at; '
    'model.test_cfg.mode=slide'
)


@contextlib.contextmanager
def explained_memory(device: torch.device, knobs: str) -> Iterator[None]:
    """Turn running out of memory into an error that says how much there was and what helps.

    Args:
        device: Where the work is done.
        knobs: The settings that help.

    Raises:
        UserError: In place of PyTorch's, NumPy's or OpenCV's error.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else 'out of memory'
        raise UserError(f'{first} {_usage(device)}; what helps: {knobs}') from error
    except Exception as error:
        problem = memory_problem(error)
        if problem is None or isinstance(error, UserError):
            raise
        raise UserError(f'{problem} {_usage(device)}; what helps: {knobs}') from error


def _usage(device: torch.device) -> str:
    if device.type != 'cuda':
        return f'[this process took up to {peak_memory_gb(device):.1f} GiB]'
    free, total = (size / 1024**3 for size in torch.cuda.mem_get_info(device))
    peak = torch.cuda.max_memory_allocated(device) / 1024**3
    return f'[this run took up to {peak:.1f} GiB, {free:.1f} of {total:.1f} GiB are free]'
