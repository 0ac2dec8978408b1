"""From the configs of an experiment to config files, training runs and their results."""

import glob
import json
import os
import pprint
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.core.checkpoint import LATEST
from mmseg.core.run_files import describe_run
from mmseg.speed.heap import training_environment
from mmseg.utils.atomic import atomic_path
from mmseg.utils.command import VARIABLE, begun_command
from mmseg.utils.environment import git_revision
from mmseg.utils.errors import UserError
from mmseg.utils.places import CONFIGS, WORKSPACE
from mmseg.utils.programs import process_of

GENERATED = WORKSPACE / 'configs' / 'generated'
# What training leaves in its work dir.
CONFIG = 'config.json'
RESULT = 'result.json'
_OTHER_SCORES = ('mDice', 'mDice_teacher', 'Dice', 'mFscore', 'mFscore_teacher', 'Fscore')


class RunStopped(Exception):
    """A training process was asked to stop and has saved where it was."""


class RunFailed(Exception):
    """A training process ended with an error, which it has shown; carries its exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f'training ended with exit code {exit_code}')
        self.exit_code = exit_code


def experiment_folder(config: Mapping[str, Any], work_root: Path) -> Path:
    """Return the folder that holds the work dirs of an experiment.

    Args:
        config: A config of it, with its `exp`.
        work_root: Where all experiments are.
    """
    exp = config['exp']
    return work_root / (f'local-exp{exp}' if isinstance(exp, int) else f'local-{exp}')


def new_work_dir(config: Mapping[str, Any], work_root: Path) -> Path:
    """Return a work dir that no other run has: the time, the run's name, five random digits."""
    name = f'{time.strftime("%y%m%d_%H%M")}_{config["name"]}_{uuid.uuid4().hex[:5]}'
    return experiment_folder(config, work_root) / name


def work_dirs_of(config: Mapping[str, Any], work_root: Path) -> list[Path]:
    """Return the work dirs of all runs of this name, the latest last."""
    pattern = f'[0-9]*_[0-9]*_{glob.escape(config["name"])}_?????'
    return sorted(experiment_folder(config, work_root).glob(pattern))


def used_work_dirs(config: Mapping[str, Any], work_root: Path) -> list[Path]:
    """Return the work dirs of the runs of this name that left more than a failed start does."""
    return [path for path in work_dirs_of(config, work_root) if describe_run(path)]


def finished_work_dir(config: Mapping[str, Any], work_root: Path) -> Path | None:
    """Return the latest work dir of a run of this name that came to its end, if there is one."""
    finished = [p for p in work_dirs_of(config, work_root) if (p / RESULT).exists()]
    return finished[-1] if finished else None


def unfinished_work_dir(config: Mapping[str, Any], work_root: Path) -> Path | None:
    """Return the latest work dir of a run of this name, unless it came to its end."""
    found = used_work_dirs(config, work_root) or work_dirs_of(config, work_root)
    return found[-1] if found and not (found[-1] / RESULT).exists() else None


def first_network(config: Mapping[str, Any], folder: Path) -> Path | None:
    """Return the checkpoint that a run begins with, by its `name_first_stage`.

    Args:
        config: A config of an experiment.
        folder: The experiment's.

    Returns:
        The file; None where the run begins with none, or with one that is not there yet.
    """
    if 'name_first_stage' not in config:
        return None
    first = {**config, 'name': config['name_first_stage']}
    work_dir = finished_work_dir(first, folder.parent)
    return work_dir / LATEST if work_dir and (work_dir / LATEST).exists() else None


def write_config(config: Mapping[str, Any], work_dir: Path, file_format: str) -> Path:
    """Write a config file that can be trained by itself.

    Args:
        config: Plain dict; `_base_` counts from configs/, and the network of `name_first_stage`
            becomes `load_from` where that run is finished.
        work_dir: Where its run is to go.
        file_format: 'json', as published, or 'py'.

    Returns:
        The file, in configs/generated/, as seen from `WORKSPACE`.
    """
    path = GENERATED / experiment_folder(config, Path()).name / f'{config["name"]}.{file_format}'
    bases = [os.path.relpath(CONFIGS / base, path.parent) for base in config['_base_']]
    whole = {
        **config,
        '_base_': bases,
        'work_dir': str(work_dir),
        'git_rev': git_revision(),
    }
    first = first_network(config, work_dir.parent)
    if first is not None:
        whole['load_from'] = str(first.resolve())
    text = json.dumps(whole, indent=2) + '\n'
    if file_format != 'json':
        text = ''.join(
            f'{key} = {pprint.pformat(value, width=100, sort_dicts=False)}\n'
            for key, value in whole.items()
        )
    with atomic_path(path) as temporary:
        temporary.write_text(text)
    return path.relative_to(WORKSPACE)


def train(
    config_file: Path,
    work_dir: Path,
    gpu: int | None,
    options: Sequence[str] = (),
    auto_resume: bool = False,
    check: bool = True,
    plugins: Sequence[str] = (),
    validate: bool = True,
) -> None:
    """Train a config in a process of its own.

    Args:
        config_file: What `write_config` wrote.
        work_dir: Where logs, checkpoints and the result go.
        gpu: Index of the CUDA device; None leaves the choice to the training.
        options: Changes to the config, `key=value`.
        auto_resume: Whether to go on from the newest checkpoint in the work dir.
        check: Whether the run is looked at before its first iteration.
        plugins: Modules to import besides those that the config names.
        validate: Whether it is evaluated on the labels of `data.val`.

    Raises:
        RunFailed: The process ended with an error.
        RunStopped: It was asked to stop.
    """
    command = [*process_of('tools/train.py'), str(config_file), '--work-dir', str(work_dir)]
    if gpu is not None:
        command += ['--gpu', str(gpu)]
    if auto_resume:
        command += ['--resume']
    if not check:
        command += ['--no-check']
    if not validate:
        command += ['--no-validate']
    if plugins:
        command += ['--plugins', ','.join(plugins)]
    if options:
        command += ['--options', *options]
    environment = {**(training_environment() or os.environ), VARIABLE: '\n'.join(begun_command())}
    process = subprocess.Popen(command, cwd=WORKSPACE, env=environment)
    code, was_asked = _wait_for(process)
    if code:
        raise RunFailed(code if code > 0 else 128 - code)
    if was_asked and not (work_dir / RESULT).exists():
        raise RunStopped


def _wait_for(process: subprocess.Popen) -> tuple[int, bool]:
    """Wait for a process that is to stop by itself; return its code and whether it was asked to.

    Ctrl-C reaches it from the terminal too: it gets SIGTERM here, which it may get twice.
    """
    asked = []

    def pass_on(number: int, _: object) -> None:
        asked.append(number)
        process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait(), bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def read_result(work_dir: Path) -> dict[str, Any]:
    """Return a finished run's entry of summary.json.

    Args:
        work_dir: Its work dir, with the config and the result that training wrote.

    Returns:
        'name', 'uda', 'seed', 'mIoU' and 'mIoU_teacher' and 'IoU' per class in percent, other
        means in 'extra' where there are any, Dice and F-score where they were measured, 'seconds',
        'peak_memory_gb', 'work_dir'.

    Raises:
        UserError: The run left no result.
    """
    try:
        config, result = (json.loads((work_dir / file).read_text()) for file in (CONFIG, RESULT))
    except FileNotFoundError as error:
        raise UserError(f'the run left no {error.filename}') from None
    return {
        'name': config['name'],
        'uda': config.get('name_uda', config['name']),
        'seed': config['seed'],
        **{key: result[key] for key in ('mIoU', 'mIoU_teacher', 'IoU')},
        **({'extra': result['extra']} if result.get('extra') else {}),
        **{key: result[key] for key in _OTHER_SCORES if key in result},
        **{key: result[key] for key in ('seconds', 'peak_memory_gb')},
        'work_dir': str(work_dir),
    }
