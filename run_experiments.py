"""Run the trainings of an experiment, or of one config file, and tell what they came to.

python run_experiments.py --exp ID [--gpu N] [--seeds 0,1,2] [--dry-run]
python run_experiments.py --config FILE [...]
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import QUICK_START_ID, QUICK_START_SCENES, generate_experiment_cfgs
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError
from tools.prepare_streets import prepare_streets
from tools.run_configs import (
    ROOT,
    RunFailed,
    experiment_folder,
    finished_work_dir,
    new_work_dir,
    read_result,
    train,
    write_config,
)
from tools.summary import summary_table, write_summary


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--exp', help='an id of `python experiments.py --list`')
    what.add_argument('--config', type=Path, help='a .py or .json config file')
    parser.add_argument('--gpu', help='index of a GPU [the first, else the CPU]')
    parser.add_argument('--seeds', help='seeds to run everything with, 0,1,2 for example')
    parser.add_argument('--dry-run', action='store_true', help='write the config files only')
    parser.add_argument(
        '--resume', action='store_true', help='leave out the runs that are finished already'
    )
    parser.add_argument(
        '--format', choices=('json', 'py'), default='json', help='of the config files [json]'
    )
    parser.add_argument(
        '--work-root', type=Path, default=Path('work_dirs'), help='folder of all runs [work_dirs]'
    )
    return parser.parse_args()


def whole_number(text: str, what: str) -> int:
    """Return the number that a user wrote.

    Raises:
        UserError: It is not one.
    """
    try:
        return int(text)
    except ValueError:
        raise UserError(f'{what}: expected a whole number, got {text!r}') from None


def configs_of(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the configs that the command line asks for."""
    seeds = None
    if args.seeds:
        seeds = [whole_number(seed, '--seeds') for seed in args.seeds.split(',')]
    if args.exp is not None:
        return generate_experiment_cfgs(whole_number(args.exp, 'experiment id'), seeds)
    return configs_of_file(args.config, seeds)


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
    common = {'_base_': [os.path.relpath(path.resolve(), ROOT / 'configs')], 'exp': path.stem}
    if seeds is None:
        return [{**common, 'name': path.stem}]
    name = re.sub(r'_s\d+$', '', path.stem)
    return [{**common, 'name': f'{name}_s{seed}', 'seed': seed} for seed in seeds]


def run_one(config: dict[str, Any], args: argparse.Namespace, gpu: int | None) -> dict[str, Any]:
    """Train one config, unless it is finished and --resume was given; return its entry."""
    finished = finished_work_dir(config, args.work_root) if args.resume else None
    if finished is not None:
        print(f'finished already: {finished}')
        return read_result(finished)
    work_dir = new_work_dir(config, args.work_root)
    train(write_config(config, work_dir, args.format), work_dir, gpu)
    return read_result(work_dir)


def run_all(configs: Sequence[dict[str, Any]], args: argparse.Namespace) -> None:
    """Train the configs in turn; after each one summary.json holds all that are done."""
    gpu = None if args.gpu is None else whole_number(args.gpu, 'GPU id')
    choose_device(gpu)
    if args.exp is not None and int(args.exp) == QUICK_START_ID:
        prepare_streets('data/streets', QUICK_START_SCENES)
    folder = experiment_folder(configs[0], args.work_root)
    entries: list[dict[str, Any]] = []
    for number, config in enumerate(configs, start=1):
        print(f'\nrun {number} of {len(configs)}: {config["name"]}', flush=True)
        try:
            entries.append(run_one(config, args, gpu))
        except RunFailed as failure:
            print(f'error: run {number} failed; done so far: {len(entries)}', file=sys.stderr)
            raise SystemExit(failure.exit_code) from None
        summary = write_summary(entries, folder)
    print(f'\n{summary_table(entries)}\n\nresults in {summary}')


def main() -> None:
    """Run experiments."""
    args = parse_args()
    if args.config is not None:
        args.config = args.config.absolute()
    os.chdir(ROOT)  # data/, pretrained/ and work_dirs/ count from here
    configs = configs_of(args)
    if not args.dry_run:
        run_all(configs, args)
        return
    for config in configs:
        print(write_config(config, new_work_dir(config, args.work_root), args.format))


if __name__ == '__main__':
    run_cli(main)
