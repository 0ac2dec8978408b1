"""Measure training, loading, testing, the instance loss or encoders, alone or against something.

python tools/benchmark.py train CONFIG [--against OTHER_CONFIG | naive] [--random-data] …
python tools/benchmark.py loader CONFIG [--workers N] [--against …]
python tools/benchmark.py test CONFIG [--against …]
python tools/benchmark.py instance-loss [--entries N] [--form softmax] [--against naive]
python tools/benchmark.py encoders [NAME …] [--size 512]

`naive` is the plain implementation in benchmarks/ that stands for published practice. With
--against-options the other setting is the same config with changes. Each measurement has a process
of its own, whose figures are printed as it ends; settings take turns. Encoders, all without NAME,
make a table in Markdown.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import encoders
from benchmarks.figures import ratios, summarize, table
from benchmarks.workloads import WORKLOADS, run_workload
from mmseg.apis.plugins import add_plugins_option
from mmseg.speed.heap import training_environment
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import collect_env
from mmseg.utils.errors import UserError

NAIVE = 'naive'


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    workloads = parser.add_subparsers(dest='workload', required=True)
    for name in WORKLOADS:
        workload = workloads.add_parser(name)
        _add_common(workload)
        if name == 'instance-loss':
            _add_sizes(workload)
            continue
        if name == 'encoders':
            workload.add_argument('names', nargs='*', metavar='NAME', help='of the table [all]')
            workload.add_argument('--size', type=int, default=512, help='of images [512]')
            continue
        workload.add_argument('config', help='a .py or .json config')
        workload.add_argument('--against-options', nargs='+', default=[], metavar='KEY=VALUE')
        workload.add_argument('--options', nargs='+', default=[], metavar='KEY=VALUE')
        add_plugins_option(workload)
        if name == 'loader':
            workload.add_argument('--workers', type=int, help="[the config's]")
        if name == 'train':
            workload.add_argument('--random-data', action='store_true', help='images of noise')
            workload.add_argument('--size', type=int, default=512, help='of noise images [512]')
            workload.add_argument('--profile', action='store_true', help='name the operators too')
    return parser.parse_args(arguments)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--against', help=f'another config, or {NAIVE!r}')
    parser.add_argument('--warmups', type=int, default=2, help='steps that do not count [2]')
    parser.add_argument('--steps', type=int, default=5, help='steps timed in a process [5]')
    parser.add_argument('--rounds', type=int, default=3, help='processes of each setting [3]')
    parser.add_argument('--json', help='file for the figures')
    # What a child process is to do; set by the parent alone.
    parser.add_argument('--job', help=argparse.SUPPRESS)


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    defaults = {'batch': 2, 'entries': 300, 'classes': 19, 'channels': 256, 'size': 512}
    for name, default in defaults.items():
        parser.add_argument(f'--{name}', type=int, default=default, help=f'[{default}]')
    parser.add_argument('--form', choices=('sum', 'softmax'), default='sum', help='[sum]')


def jobs(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return what to measure: the name of each setting → its job.

    Raises:
        UserError: A number is below 1, or both settings are the same.
    """
    for name in ('steps', 'rounds'):
        if getattr(args, name) < 1:
            raise UserError(f'--{name}: expected a number from 1 on, got {getattr(args, name)}')
    first = {**vars(args), 'naive': False}
    if args.workload == 'encoders':
        if args.against is not None:
            raise UserError('--against: encoders stand in one table, name several instead')
        return encoders.jobs_of(args.names, first)
    second = {**first, 'naive': args.against == NAIVE}
    if args.workload == 'instance-loss':
        if args.against not in (None, NAIVE):
            raise UserError(f'--against: the instance loss is measured against {NAIVE!r} alone')
        return {'ours': first} if args.against is None else {'ours': first, NAIVE: second}
    names = [args.config]
    if args.against is not None or args.against_options:
        names.append(' '.join([args.against or args.config, *args.against_options]))
        second['options'] = [*args.options, *args.against_options]
    if args.against not in (None, NAIVE):
        second['config'] = args.against
    if names[1:] == names[:1]:
        raise UserError('--against: both settings are the same')
    return dict(zip(names, (first, second), strict=False))


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """Do a job in a process of its own.

    Raises:
        UserError: The process failed; its own words stand above.
    """
    command = [sys.executable, __file__, *sys.argv[1:], '--job', json.dumps(job)]
    # as mmseg/experiments/runs.py starts a training
    environment = None if job['naive'] else training_environment()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode != 0:
        raise UserError(f'the measurement ended with code {done.returncode}')
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure in turn and print the figures."""
    args = parse_args()
    if args.job is not None:
        print(json.dumps(run_workload(args.workload, json.loads(args.job))))
        return
    settings = jobs(args)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in settings}
    for number in range(1, args.rounds + 1):
        for name, job in settings.items():
            runs[name].append(measure(job))
            one = summarize(runs[name][-1:])
            figures = f'{one["milliseconds"]:,.0f} ms, {one["memory"]:.2f} GiB'
            print(f'round {number} of {args.rounds}: {name}: {figures}', file=sys.stderr)
    summaries = {name: summarize(results) for name, results in runs.items()}
    print(encoders.markdown(summaries) if args.workload == 'encoders' else table(summaries))
    if args.json:
        content = {'command': sys.argv[1:], 'environment': collect_env(), 'settings': summaries}
        if len(summaries) == 2:
            content['ratios'] = ratios(*summaries.values())
        Path(args.json).write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    run_cli(main)
