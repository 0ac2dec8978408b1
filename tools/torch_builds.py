"""Which builds of PyTorch a set-up takes: those for CPUs where there is no NVIDIA GPU.

PyPI's builds for Linux bring CUDA along. Builds for CPUs are versions of their own, such as
`2.14.1+cpu`, and pip finds them only where it is told of a place that has them. torch and
torchvision are taken as a pair: of two kinds they do not load. tools/bootstrap.py asks this file;
only the standard library is sure to be there.
"""

import itertools
import json
import operator
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.request import Request, urlopen

INDEX = 'https://download.pytorch.org/whl/cpu'
NAMES = ('torch', 'torchvision')
COMPARISONS = {'>=': operator.ge, '<': operator.lt, '==': operator.eq}
WISHES = ('auto', 'cpu', 'cuda')
GPUS = Path('/proc/driver/nvidia/gpus')  # a folder for each, where NVIDIA's driver is loaded

# What .venv takes on the disk.
WITH_CUDA = 'some 6 GB'
FOR_CPUS = 'some 2 GB'

# Runs pip with arguments: what it prints, or '' where it fails.
AskPip = Callable[..., str]


class SetupError(Exception):
    """Why there is no environment, and what to do."""


def choose_builds(requirements: Sequence[str], ask_pip: AskPip) -> tuple[list[str], str]:
    """Choose between PyTorch for CPUs and PyTorch with CUDA.

    An environment that has PyTorch keeps the kind that it has, whatever the machine has become.

    Args:
        requirements: The lines that are to be installed.
        ask_pip: pip of the environment.

    Returns:
        Requirements to install beside those; and a line that tells the user what is taken and how
        large it is, empty where there was nothing to choose.

    Raises:
        SetupError: DIDA_TORCH is none of its values, or 'cpu' and there are no builds for CPUs.
    """
    wish = os.environ.get('DIDA_TORCH') or 'auto'
    if wish not in WISHES:
        raise SetupError(f'DIDA_TORCH is one of {", ".join(WISHES)}; it is {wish!r}')
    ranges = [line for name in NAMES for line in requirements if re.match(rf'{name}[<=>]', line)]
    if len(ranges) < len(NAMES) or sys.platform != 'linux':
        return [], ''
    listed = [json.loads(ask_pip('index', 'versions', name, '--json') or '{}') for name in NAMES]
    installed = listed[0].get('installed_version') or ''
    reason = why_for_cpus(wish, installed)
    if not reason:
        told = '' if installed else f'taking PyTorch with CUDA, {WITH_CUDA}'
        return without_cpu_versions(ranges, listed), told
    for pair in itertools.product(*map(cpu_versions, ranges, listed)):
        pins = [f'{name}=={version}' for name, version in zip(NAMES, pair, strict=True)]
        report = ask_pip('install', '--quiet', '--dry-run', '--report', '-', *ranges, *pins)
        if report:
            new = [each for each in json.loads(report)['install'] if is_for_cpus(version_of(each))]
            taken = ' and '.join(f'{each["metadata"]["name"]} {version_of(each)}' for each in new)
            return pins, f'{reason}: taking {taken}, {download_size(new)}' if new else ''
    lack = f'{reason}, but pip finds no torch and torchvision for CPUs where it looks'
    remedy = f'PIP_EXTRA_INDEX_URL={INDEX}'
    if wish == 'cpu':
        raise SetupError(f'{lack}; set {remedy}')
    told = f'{lack}: taking those with CUDA, {WITH_CUDA}; {remedy} makes it {FOR_CPUS}'
    return without_cpu_versions(ranges, listed), told


def why_for_cpus(wish: str, installed: str) -> str:
    """Say why builds for CPUs are wanted, '' where they are not.

    Args:
        wish: What DIDA_TORCH says.
        installed: The version of torch that is there, '' if it is not.
    """
    if installed:
        return '.venv has PyTorch for CPUs' if is_for_cpus(installed) else ''
    if wish == 'auto':
        return '' if has_nvidia_gpu() else 'no NVIDIA GPU'
    return 'DIDA_TORCH=cpu' if wish == 'cpu' else ''


def has_nvidia_gpu() -> bool:
    """Tell whether NVIDIA's driver knows of a GPU."""
    if GPUS.is_dir() and any(GPUS.iterdir()):
        return True
    program = shutil.which('nvidia-smi') or '/usr/lib/wsl/lib/nvidia-smi'
    try:
        done = subprocess.run([program, '-L'], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and 'GPU ' in done.stdout


def cpu_versions(line: str, listed: dict) -> list[str]:
    """Return the builds for CPUs that a requirement allows, the installed one, then the newest.

    Args:
        line: The requirement, as 'torch>=2.11,<2.15'.
        listed: What `pip index versions --json` answers.
    """
    return [version for version in allowed_versions(line, listed) if is_for_cpus(version)]


def without_cpu_versions(ranges: Sequence[str], listed: Sequence[dict]) -> list[str]:
    """Return requirements that rule builds for CPUs out, which pip prefers to the same release.

    Where it finds no others there are none: what there is may do.
    """
    found = list(map(allowed_versions, ranges, listed))
    if any(all(map(is_for_cpus, versions)) for versions in found):
        return []
    return [
        f'{name}!={version}'
        for name, versions in zip(NAMES, found, strict=True)
        for version in filter(is_for_cpus, versions)
    ]


def allowed_versions(line: str, listed: dict) -> list[str]:
    """Return what a requirement allows of the installed version and of those that pip finds."""
    bounds = re.findall(r'(>=|<|==)([\d.]+)', line)
    versions = filter(None, [listed.get('installed_version'), *listed.get('versions', [])])
    return [
        version
        for version in dict.fromkeys(versions)
        if all(COMPARISONS[sign](numbers(version), numbers(bound)) for sign, bound in bounds)
    ]


def numbers(version: str) -> tuple[int, ...]:
    """Return '2.14.1+cpu' as (2, 14, 1), and '2.14' as (2, 14, 0)."""
    found = [int(number) for number in re.findall(r'\d+', version.partition('+')[0])]
    return (*found, 0, 0)[: max(3, len(found))]


def is_for_cpus(version: str) -> bool:
    """Tell a build for CPUs by its version."""
    return version.endswith('+cpu')


def version_of(package: dict) -> str:
    """Return the version of a package in pip's report."""
    return package['metadata']['version']


def download_size(packages: Sequence[dict]) -> str:
    """Say how much is fetched for packages of pip's report."""
    try:
        return f'{sum(map(size_of, packages)) / 1e6:.0f} MB to fetch'
    except (OSError, ValueError):
        return 'some 200 MB to fetch'


def size_of(package: dict) -> int:
    """Return the bytes of a package in pip's report, without fetching it."""
    request = Request(package['download_info']['url'], method='HEAD')
    with urlopen(request, timeout=10) as answer:
        return int(answer.headers['Content-Length'] or '')
