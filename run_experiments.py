"""Run the trainings of an experiment, or of one config file, and tell what they came to.

python run_experiments.py --exp ID [--gpu N] [--seeds 0,1,2] [--jobs 3,5] [--dry-run] [--smoke]
python run_experiments.py --config FILE [...]
"""

import argparse
import os
from pathlib import Path

from mmseg.apis.plugins import add_plugins_option
from mmseg.experiments.chosen_runs import configs_of, jobs_of
from mmseg.experiments.running import run_all, write
from mmseg.experiments.runs import new_work_dir
from mmseg.utils.cli import run_cli
from mmseg.utils.places import WORKSPACE, named_file


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
    add_plugins_option(parser)
    parser.add_argument(
        '--work-root', type=Path, default=Path('work_dirs'), help='folder of all runs [work_dirs]'
    )
    return parser.parse_args()


def main() -> None:
    """Run experiments."""
    args = parse_args()
    if args.config is not None:
        args.config = named_file(args.config).absolute()
    os.chdir(WORKSPACE)  # data/, pretrained/ and work_dirs/ count from here
    configs = configs_of(args)
    if not args.dry_run:
        run_all(configs, args)
        return
    for job in jobs_of(args, len(configs)):
        config = configs[job - 1]
        print(write(config, new_work_dir(config, args.work_root), args))


if __name__ == '__main__':
    run_cli(main)
