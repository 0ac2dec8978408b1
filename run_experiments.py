"""Run the trainings of an experiment, or of one config file, and tell what they came to.

python run_experiments.py --exp ID [--gpu N] [--seeds 0,1,2] [--jobs 3,5] [--dry-run] [--smoke]
python run_experiments.py --config FILE [...]
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.experiments.chosen_runs import configs_of, jobs_of, whole_number
from mmseg.experiments.earlier_runs import finished_otherwise, make_room, other_settings
from mmseg.experiments.runs import (
    ROOT,
    RunFailed,
    RunStopped,
    experiment_folder,
    finished_work_dir,
    new_work_dir,
    read_result,
    train,
    unfinished_work_dir,
    write_config,
)
from mmseg.experiments.smoke import prepare_smoke_streets, shrink
from mmseg.experiments.streets import prepare_streets
from mmseg.experiments.summary import summary_table, write_comparison, write_summary
from mmseg.experiments.table import QUICK_START_ID, QUICK_START_SCENES
from mmseg.utils.cli import run_cli
from mmseg.utils.command import how_to_go_on
from mmseg.utils.environment import choose_device

SMOKE_STREETS = 'data/smoke'


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
    parser.add_argument('--jobs', help='which runs, 3,5 for example, counted from 1 [all]')
    parser.add_argument('--dry-run', action='store_true', help='write the config files only')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='leave out finished runs and go on with the others where they stopped',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='remove the runs that there are, and train anew'
    )
    parser.add_argument(
        '--format', choices=('json', 'py'), default='json', help='of the config files [json]'
    )
    parser.add_argument(
        '--smoke', action='store_true', help='two iterations of each run on small drawn streets'
    )
    parser.add_argument(
        '--no-check', action='store_true', help='do not look at a run before its first iteration'
    )
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to every config'
    )
    parser.add_argument(
        '--work-root', type=Path, default=Path('work_dirs'), help='folder of all runs [work_dirs]'
    )
    return parser.parse_args()


def write(config: dict[str, Any], work_dir: Path, args: argparse.Namespace) -> Path:
    """Write a run's config file, at the size that was asked for."""
    path = write_config(config, work_dir, args.format)
    if args.smoke:
        shrink(ROOT / path, SMOKE_STREETS)
    return path


def differences_of(config: dict[str, Any], work_dir: Path, args: argparse.Namespace) -> list[str]:
    """Name the settings in which a finished run is not the one that is asked for."""
    return other_settings(work_dir, ROOT / write(config, work_dir, args), args.options)


def finished_before(
    configs: Mapping[int, dict[str, Any]], args: argparse.Namespace
) -> dict[int, dict[str, Any]]:
    """Return the entries of finished runs by their numbers, those with other settings left out."""
    entries = {}
    for number, config in configs.items():
        work_dir = finished_work_dir(config, args.work_root)
        if work_dir is None:
            continue
        differences = differences_of(config, work_dir, args)
        if differences:
            print(f'not in the table: {work_dir}, finished with other settings: {differences[0]}')
        else:
            entries[number] = read_result(work_dir)
    return entries


def run_one(config: dict[str, Any], args: argparse.Namespace, gpu: int | None) -> dict[str, Any]:
    """Train one config and return its entry; with --resume, what is left to train of it."""
    finished = finished_work_dir(config, args.work_root) if args.resume else None
    if finished is not None:
        differences = differences_of(config, finished, args)
        if differences:
            raise finished_otherwise(finished, differences)
        print(f'finished already: {finished}')
        return read_result(finished)
    begun = unfinished_work_dir(config, args.work_root) if args.resume else None
    work_dir = begun or new_work_dir(config, args.work_root)
    path, is_begun = write(config, work_dir, args), begun is not None
    train(path, work_dir, gpu, args.options, is_begun, not args.no_check)
    if args.smoke:
        for checkpoint in work_dir.glob('*.pth'):
            checkpoint.unlink()
    return read_result(work_dir)


def run_all(configs: Sequence[dict[str, Any]], args: argparse.Namespace) -> None:
    """Train the configs in turn; after each one summary.json holds all that are done.

    Runs that --jobs leaves out stand in the table too where they are finished.
    """
    jobs = jobs_of(args, len(configs))
    gpu = None if args.gpu is None else whole_number(args.gpu, 'GPU id')
    choose_device(gpu)
    if args.smoke:
        prepare_smoke_streets(SMOKE_STREETS)
    elif args.exp is not None and int(args.exp) == QUICK_START_ID:
        prepare_streets('data/streets', QUICK_START_SCENES)
    if not args.smoke:
        make_room([configs[number - 1] for number in jobs], args)
    folder = experiment_folder(configs[0], args.work_root)
    others = {n: c for n, c in enumerate(configs, start=1) if n not in jobs}
    entries = finished_before(others, args)
    for number in jobs:
        config = configs[number - 1]
        print(f'\nrun {number} of {len(configs)}: {config["name"]}', flush=True)
        try:
            entries[number] = run_one(config, args, gpu)
        except RunFailed as failure:
            print(f'error: run {number} failed; done so far: {len(entries)}', file=sys.stderr)
            raise SystemExit(failure.exit_code) from None
        except RunStopped:
            print(f'\nrun {number} stopped; go on with it and the rest:\n{how_to_go_on()}')
            return
        in_order = [entries[key] for key in sorted(entries)]
        summary = write_summary(in_order, folder)
    print(f'\n{summary_table(in_order)}\n\nresults in {summary}')
    comparison = write_comparison(in_order, folder)
    if comparison is not None:
        print(f'the runs compared in {comparison}')


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
    for job in jobs_of(args, len(configs)):
        config = configs[job - 1]
        print(write(config, new_work_dir(config, args.work_root), args))


if __name__ == '__main__':
    run_cli(main)
