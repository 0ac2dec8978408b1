"""Which runs a command line asks for."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg.utils.errors import UserError
from mmseg.utils.places import CONFIGS

from .table import generate_experiment_cfgs


def whole_number(text: str, what: str) -> int:
    """Return the number that a user wrote.

    Raises:
        UserError: It is not one.
    """
    try:
        return int(text)
    except ValueError:
        raise UserError(f'{what}: expected a whole number, got {text!r}') from None


def whole_numbers(text: str, what: str) -> list[int]:
    """Return the numbers that a user wrote with commas between them."""
    return [whole_number(number, what) for number in text.split(',')]


def configs_of(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the configs that the command line asks for, before any choice among them."""
    seeds = whole_numbers(args.seeds, '--seeds') if args.seeds else None
    if args.exp is not None:
        configs = generate_experiment_cfgs(whole_number(args.exp, 'experiment id'), seeds)
    else:
        configs = configs_of_file(args.config, seeds)
    if not args.smoke:
        return configs
    # Their results stay apart from those of real runs.
    return [{**config, 'exp': f'exp{config["exp"]}-smoke'} for config in configs]


def jobs_of(args: argparse.Namespace, num_runs: int) -> list[int]:
    """Return the numbers of the runs to do, from 1.

    Raises:
        UserError: There is no run of a number that was asked for.
    """
    jobs = whole_numbers(args.jobs, '--jobs') if args.jobs else list(range(1, num_runs + 1))
    for job in jobs:
        if not 1 <= job <= num_runs:
            raise UserError(f'--jobs: expected numbers from 1 to {num_runs}, got {job}')
    return jobs


def configs_of_file(path: Path, seeds: Sequence[int] | None) -> list[dict[str, Any]]:
    """Return configs that stand on a config file, one per seed.

    Args:
        path: The file.
        seeds: Seeds; None takes the file's own.

    Raises:
        UserError: There is no such file.
    """
    if not path.is_file():
        raise UserError(f'no config file at {path}')
    common = {'_base_': [os.path.relpath(path.resolve(), CONFIGS)], 'exp': path.stem}
    if seeds is None:
        return [{**common, 'name': path.stem}]
    name = re.sub(r'_s\d+$', '', path.stem)
    return [{**common, 'name': f'{name}_s{seed}', 'seed': seed} for seed in seeds]
