"""Measure on a GPU what docs/performance.md has no figures of.

sh tools/gpu_check.sh [FILE]

Each measurement is a process of its own. What does not end in the time that is left is stopped, and
what comes after it is left out; the file says so.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import collect_env
from mmseg.utils.errors import UserError

# Ten minutes, less what starting and writing take.
SECONDS = 570
B5 = 'configs/dida/gta2cs_dida_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm_s0.py'
HRDA = 'configs/hrda/gtaHR2csHR_hrda.py'
_TRAIN = ['tools/benchmark.py', 'train', B5, '--random-data', '--rounds', '1']
_LOSS = ['tools/benchmark.py', 'instance-loss', '--rounds', '1', '--steps', '20']
_KERNELS = 'tests/ops/test_instance_loss_triton.py'

# What is wanted most comes first. All but the tests write figures by --json.
CHECKS: dict[str, list[str]] = {
    'kernels equal the tiles': ['-m', 'pytest', '-q', '-n', '0', '-m', 'gpu', _KERNELS],
    'instance loss, 300 entries': [*_LOSS, '--entries', '300', '--against', 'naive'],
    'step, bfloat16': [*_TRAIN, '--options', 'amp=bf16'],
    'step, bfloat16, predicted': ['tools/estimate_memory.py', B5, '--amp', 'bf16'],
    'step, float32': _TRAIN,
    'step, float32, predicted': ['tools/estimate_memory.py', B5],
    'instance level off': [*_TRAIN, '--options', 'amp=bf16', 'uda.instance=None'],
    'channels last': [*_TRAIN, '--options', 'amp=bf16', 'channels_last=True'],
    'with_cp': [*_TRAIN, '--options', 'amp=bf16', 'model.backbone.with_cp=True'],
    'instance loss, 1200 entries': [*_LOSS, '--entries', '1200'],
    'instance loss, 4800 entries': [*_LOSS, '--entries', '4800'],
    'HRDA, bfloat16': [
        *['tools/benchmark.py', 'train', HRDA, '--random-data', '--rounds', '1'],
        *['--size', '1024', '--options', 'amp=bf16'],
    ],
    'compiled': [*_TRAIN, '--options', 'amp=bf16', 'compile=True'],
    'step, naive': [*_TRAIN, '--steps', '3', '--against', 'naive'],
}


def run_checks(
    checks: Mapping[str, Sequence[str]],
    keep: Callable[[Mapping[str, Any]], None],
    seconds: float = SECONDS,
) -> bool:
    """Run commands one after the other while there is time.

    Args:
        checks: Name → arguments of Python.
        keep: Takes what is known so far, after each of them: name → 'outcome' ('done', 'failed',
            'stopped: no time left', 'left out: no time left'), 'seconds', and 'figures' or the end
            of what was 'said'.
        seconds: How long all of them may take.

    Returns:
        Whether all are done.
    """
    end, results = time.monotonic() + seconds, dict[str, Any]()
    for name, arguments in checks.items():
        left = end - time.monotonic()
        outcome = {'outcome': 'left out: no time left'} if left <= 0 else _run(arguments, left)
        results[name] = outcome
        print(f'{name}: {outcome["outcome"]}', flush=True)
        keep(results)
    return all(result['outcome'] == 'done' for result in results.values())


def _run(arguments: Sequence[str], seconds: float) -> dict[str, Any]:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / 'figures.json'
        to_file = [] if arguments[0] == '-m' else ['--json', str(figures)]
        command = [sys.executable, *arguments, *to_file]
        said = _output(command, seconds)
        if said is None:
            return {'outcome': 'stopped: no time left', 'seconds': time.monotonic() - start}
        code, text = said
        result: dict[str, Any] = {'outcome': 'failed' if code else 'done'}
        result['seconds'] = time.monotonic() - start
        if figures.is_file():
            result['figures'] = json.loads(figures.read_text(encoding='utf-8'))
        else:
            result['said'] = text[-2000:]
    return result


def _output(command: Sequence[str], seconds: float) -> tuple[int, str] | None:
    """Return a command's exit code and all that it printed; None where time was over before."""
    # A measurement starts processes itself: all of them end with it.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        text, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return process.returncode, text


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', nargs='?', default='gpu_check.json', help='[gpu_check.json]')
    file = Path(parser.parse_args().file)
    if not torch.cuda.is_available():
        raise UserError(
            f'PyTorch {torch.__version__} sees no CUDA device here: nothing is measured'
        )

    def keep(results: Mapping[str, Any]) -> None:
        content = {'environment': collect_env(), 'checks': results}
        with atomic_path(file) as unfinished:
            text = json.dumps(content, indent=2) + '\n'
            unfinished.write_text(text, encoding='utf-8')

    if not run_checks(CHECKS, keep):
        raise UserError(f'not all could be measured; {file} says what happened')


if __name__ == '__main__':
    run_cli(main)
