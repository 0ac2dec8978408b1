"""Kill a small training on drawn street scenes again and again; it must end as one never killed.

python benchmarks/kill_resume.py [--kills 50] [--iterations 120] [--folder FOLDER]

DIDA is trained on street scenes of 128×64 pixels by a network of a few thousand weights. One run is
left alone, another is killed with SIGKILL while it starts, computes a step, saves, or evaluates,
as drawn, and goes on in a new process with --auto-resume; where it ends before all kills are done,
a further run takes over. After every kill each file that has its final name is read. At the end
weights, teacher, bank, optimizer and logged values are compared bit by bit.

All processes are forks of one that has imported everything, so that they start quickly.
"""

import argparse
import json
import os
import random
import runpy
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import torch

from benchmarks.run_comparison import run_differences
from benchmarks.small_run import write_small_run
from mmseg.core.checkpoint_reading import check_sums, read_checkpoint
from mmseg.core.hooks import EvalHook
from mmseg.core.runner import IterBasedRunner
from mmseg.utils.cli import run_cli

# The command that people type, without what it does when it is typed.
train = runpy.run_path(str(Path(__file__).parents[1] / 'tools/train.py'))['main']
FLAGS = ('--deterministic',)
STARTING, STEP, SAVE, EVALUATION = range(4)
PHASES = ('starting', 'a step', 'a save', 'an evaluation')
# Longest time in seconds between the start of a phase and the kill.
DELAYS = (1.5, 0.1, 0.01, 0.05)
PROCESSES = get_context('fork')
# What the training process is doing, for the one that kills it.
phase = PROCESSES.Value('i', STARTING, lock=False)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=50, help='[50]')
    parser.add_argument('--iterations', type=int, default=120, help='of a run [120]')
    parser.add_argument('--folder', type=Path, help='where to work [a temporary one]')
    parser.add_argument('--seed', type=int, default=0, help='of the moments [0]')
    return parser.parse_args()


def write_config(folder: Path, num_iterations: int) -> Path:
    """Draw the scenes and write the config of the run, its network next to nothing."""
    widths = [8, 8, 16, 16]
    encoder = {'embed_dims': widths, 'depths': [1] * 4, 'num_heads': [1] * 4}
    head = {'in_channels': widths, 'channels': 8, 'decoder_params': {'embed_dims': 8}}
    return write_small_run(
        folder,
        model={'backbone': encoder, 'decode_head': head},
        uda={'debug_img_interval': 7},
        runner={'type': 'IterBasedRunner', 'max_iters': num_iterations},
        checkpoint_config={'interval': 2, 'max_keep_ckpts': 2, 'by_epoch': False},
        evaluation={'interval': 6, 'metric': 'mIoU'},
        log_config={'interval': 5},
    )


def announced(function: Callable[..., Any], during: int, after: int) -> Callable[..., Any]:
    """Let a function say when it begins and ends; it does what it did before."""

    @wraps(function)
    def announce(*args: Any, **kwargs: Any) -> Any:
        phase.value = during
        try:
            return function(*args, **kwargs)
        finally:
            phase.value = after

    return announce


def call(main: Callable[[], None], words: list[str], log: Path) -> None:
    """Call a tool in this new process, its output going to a file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = words
    IterBasedRunner.save_checkpoint = announced(IterBasedRunner.save_checkpoint, SAVE, STEP)
    IterBasedRunner.train = announced(IterBasedRunner.train, STEP, STEP)
    EvalHook._evaluate_one = announced(EvalHook._evaluate_one, EVALUATION, STEP)
    run_cli(main)


def start(main: Callable[[], None], log: Path, *words: object) -> Any:
    """Start a tool in a process of its own."""
    phase.value = STARTING
    process = PROCESSES.Process(target=call, args=(main, ['tool', *map(str, words)], log))
    process.start()
    return process


def finish(process: Any) -> None:
    """Wait for a process that must end well."""
    process.join()
    if process.exitcode:
        raise SystemExit(f'a process ended with exit code {process.exitcode}: see its log')


def kill_at(process: Any, wanted: int, draw: random.Random) -> int | None:
    """Kill a training process a moment after it is seen in a phase.

    Args:
        process: The training process.
        wanted: The phase to wait for.
        draw: What the moment is drawn from.

    Returns:
        The phase that it was killed in; None where it came to its end before.
    """
    num_to_pass = 0 if wanted == STARTING else draw.randrange(4)
    before = None
    while process.is_alive():
        now = phase.value
        num_to_pass -= now == wanted != before
        if num_to_pass < 0:
            break
        before = now
        time.sleep(0.0005)
    time.sleep(draw.random() * DELAYS[wanted])
    process.kill()
    process.join()
    return phase.value if process.exitcode == -9 else None


def check_files(work_dir: Path) -> int:
    """Read every file that has its final name; return how many there are.

    Raises:
        UserError: One is not whole.
    """
    files = [p for p in work_dir.rglob('*') if not p.name.startswith('.') and not p.is_dir()]
    for path in files:
        if path.suffix == '.pth':
            check_sums(path)
            read_checkpoint(path)
        elif path.suffix == '.png':
            assert cv2.imread(str(path)) is not None, path
        elif path.name.endswith('.log.json'):
            assert all(json.loads(line) for line in path.read_text().splitlines()), path
        elif path.suffix == '.json':
            assert json.loads(path.read_text()), path
    return len(files)


def killed_run(
    config: Path, work_dir: Path, num_kills: int, draw: random.Random, kills: Counter
) -> int:
    """Train with kills until the run has ended; return how many files were read."""
    num_files = 0
    while not (work_dir / 'result.json').exists():
        log = work_dir.with_suffix('.log')
        process = start(train, log, config, '--work-dir', work_dir, *FLAGS, '--auto-resume')
        if kills.total() >= num_kills:
            finish(process)
            break
        killed_in = kill_at(process, draw.randrange(len(PHASES)), draw)
        if killed_in is not None:
            kills[killed_in] += 1
            num_files += check_files(work_dir) if work_dir.exists() else 0
        elif process.exitcode:
            raise SystemExit(f'training ended with exit code {process.exitcode}: see {log}')
    return num_files + check_files(work_dir)


def main() -> None:
    """Train, kill, compare, and print the count of each outcome."""
    args = parse_args()
    torch.set_num_threads(1)
    folder = args.folder or Path(tempfile.mkdtemp(prefix='kill_resume_'))
    config = write_config(folder, args.iterations)
    begin = time.monotonic()
    finish(start(train, folder / 'whole.log', config, '--work-dir', folder / 'whole', *FLAGS))
    print(f'unbroken run: {args.iterations} iterations in {time.monotonic() - begin:.0f} s')

    draw, kills, num_files, differing = random.Random(args.seed), Counter[int](), 0, []
    begin, num_runs = time.monotonic(), 0
    while kills.total() < args.kills:
        work_dir = folder / f'killed_{num_runs}'
        num_files += killed_run(config, work_dir, args.kills, draw, kills)
        last = f'iter_{args.iterations}.pth'
        differing += run_differences(folder / 'whole', work_dir, last)
        num_runs += 1
        print(f'run {num_runs} ended after {kills.total()} kills in all', flush=True)
    counts = ', '.join(f'{kills[number]} in {name}' for number, name in enumerate(PHASES))
    print(f'{kills.total()} kills ({counts}) in {time.monotonic() - begin:.0f} s')
    print(f'{num_files} files read after kills, 0 unreadable')
    print(f'{num_runs} runs compared with the unbroken one, differences: {differing or 0}')
    if differing:
        raise SystemExit(1)


if __name__ == '__main__':
    run_cli(main)
