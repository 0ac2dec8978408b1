"""Draw curves from the JSON logs of runs, and tell how long an iteration took.

python tools/analyze_logs.py WORK_DIR [WORK_DIR …] [--keys loss mIoU] [--out curves.png]
"""

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot

from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError, nearest

# Name of a curve -> its points (iteration, value).
Curves = dict[str, list[tuple[int, float]]]

_NETWORKS = ('student', 'teacher')
_NOT_CURVES = ('mode', 'epoch', 'iter')
_PANEL = (8.0, 3.2)  # inches


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runs', nargs='+', type=Path, help='work dirs, or .log.json files')
    parser.add_argument(
        '--keys', nargs='+', default=['loss', 'mIoU'], help='curves, a panel each [loss mIoU]'
    )
    parser.add_argument('--legend', nargs='+', help="what the runs are called [the logs' names]")
    parser.add_argument(
        '--out', type=Path, default=Path('curves.png'), help='the picture [curves.png]'
    )
    return parser.parse_args()


def find_logs(run: Path) -> list[Path]:
    """Return the JSON logs of a run, in the order they were written.

    Raises:
        UserError: There is none.
    """
    logs = [run] if run.is_file() else sorted(run.glob('*.log.json'))
    if not logs:
        raise UserError(f'no *.log.json in {run}: give a work dir or a JSON log')
    return logs


def read_curves(logs: Sequence[Path]) -> Curves:
    """Read all that a run logged; where a resumed run did iterations again, the later counts.

    Args:
        logs: The run's logs, in order.

    Returns:
        The training's values by their names, metrics as 'mIoU student' and 'mIoU teacher'.

    Raises:
        UserError: A line is no JSON.
    """
    curves: dict[str, dict[int, float]] = {}
    for path in logs:
        # A line without its end was being written when the disk was full or the process killed.
        lines = path.read_text(encoding='utf-8').split('\n')[:-1]
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                raise UserError(f'{path}, line {number}: not JSON; is it a training log?') from None
            for name, value in _values(record).items():
                curves.setdefault(name, {})[record['iter']] = value
    return {name: sorted(points.items()) for name, points in curves.items()}


def _values(record: Mapping[str, Any]) -> dict[str, float]:
    if 'iter' not in record:
        return {}
    values = {key: value for key, value in record.items() if key not in _NOT_CURVES}
    for network in _NETWORKS:
        metrics = values.pop(network, None) or {}
        values |= {f'{key} {network}': value for key, value in metrics.items()}
    return {key: value for key, value in values.items() if isinstance(value, int | float)}


def chosen(curves: Curves, key: str) -> Curves:
    """Return the curves that a key stands for: one of training, or a metric of both networks.

    Raises:
        UserError: The run has none.
    """
    names = [name for name in (key, *(f'{key} {n}' for n in _NETWORKS)) if name in curves]
    if not names:
        raise UserError(f'the log has no {key!r}; {nearest(key, curves)}')
    return {name: curves[name] for name in names}


def draw(runs: Mapping[str, Curves], keys: Sequence[str], path: Path) -> None:
    """Draw a panel for each key, with the curves of all runs.

    Args:
        runs: Name of a run → its curves.
        keys: Curves, or metrics.
        path: The picture to write.

    Raises:
        UserError: A run lacks a key.
    """
    size = (_PANEL[0], _PANEL[1] * len(keys))
    figure, panels = pyplot.subplots(len(keys), figsize=size, squeeze=False, layout='constrained')
    for key, panel in zip(keys, panels[:, 0], strict=True):
        for run, curves in runs.items():
            for name, points in chosen(curves, key).items():
                marker = 'o' if len(points) < 30 else None
                label = run + name.removeprefix(key)
                panel.plot(*zip(*points, strict=True), marker=marker, markersize=3, label=label)
        panel.set(xlabel='iteration', ylabel=key)
        panel.grid(alpha=0.3)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend(fontsize='small', frameon=False, loc='lower left', bbox_to_anchor=(0, 1))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Draw the curves and print the speed."""
    args = parse_args()
    names = args.legend or [run.name.removesuffix('.log.json') for run in args.runs]
    if len(set(names)) < len(args.runs) or len(names) != len(args.runs):
        raise UserError(f'--legend: expected {len(args.runs)} different names, got {names}')
    runs = {n: read_curves(find_logs(run)) for n, run in zip(names, args.runs, strict=True)}
    for name, curves in runs.items():
        seconds = [value for _, value in curves.get('time', [])]
        if seconds:
            print(f'{name}: {statistics.median(seconds):.3f} s/it')
    draw(runs, args.keys, args.out)
    print(f'curves in {args.out}')


if __name__ == '__main__':
    run_cli(main)
