"""What a run stands on: versions, revision, device, memory."""

import functools
import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from mmseg.version import __version__

from .errors import UserError

_PACKAGES = ('torch', 'torchvision', 'mmcv-full', 'numpy', 'opencv-python', 'kornia-rs', 'timm')
_GIGABYTE = 1024**3


@functools.lru_cache(maxsize=1)
def git_revision() -> str:
    """Return the short commit of this checkout, `+` added where files differ from it.

    Returns:
        For example `3d86096+`; `unknown` outside a checkout.
    """
    here = Path(__file__).resolve().parents[2]
    if not (here / '.git').exists():
        return 'unknown'
    try:
        commit = _git(here, 'rev-parse', '--short=12', 'HEAD')
        changed = _git(here, 'status', '--porcelain', '--untracked-files=no')
    except (OSError, subprocess.SubprocessError):
        return 'unknown'
    return commit + ('+' if changed else '')


def _git(folder: Path, *arguments: str) -> str:
    command = ['git', '-C', str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def collect_env() -> dict[str, str]:
    """Return the versions and hardware that a report of a run should name."""
    report = {
        'system': platform.platform(),
        'python': sys.version.split()[0],
        'processors': str(os.cpu_count()),
        'threads': str(torch.get_num_threads()),
        'CUDA': torch.version.cuda or 'not built in',
        'git revision': git_revision(),
        'dida': __version__,
    }
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        report['GPUs'] = ', '.join(names)
    report.update({package: _version_of(package) for package in _PACKAGES})
    return report


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return 'not installed'


def choose_device(gpu_id: int | None = None) -> torch.device:
    """Return the device to run on.

    Args:
        gpu_id: Index of a CUDA device, or None for the first one there is, else the CPU.

    Returns:
        The device, made current where it is a CUDA device.

    Raises:
        UserError: A GPU was asked for and there is no such one.
    """
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpu_id is None:
        return torch.device('cuda', torch.cuda.current_device()) if num_gpus else _CPU
    if not 0 <= gpu_id < num_gpus:
        if num_gpus:
            found = f'GPUs 0 to {num_gpus - 1}'
        elif torch.version.cuda or torch.version.hip:
            found = 'no CUDA device'
        else:
            found = f'PyTorch {torch.__version__}, built for CPUs (docs/faq.md: Installation)'
        raise UserError(
            f'GPU {gpu_id} was asked for but this machine has {found}; '
            'leave the GPU id out to run on what is there'
        )
    torch.cuda.set_device(gpu_id)
    return torch.device('cuda', gpu_id)


def peak_memory_gb(device: torch.device) -> float:
    """Return the most memory held so far, in GiB: of the GPU, or of this process on a CPU."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / _GIGABYTE
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _GIGABYTE


_CPU = torch.device('cpu')
