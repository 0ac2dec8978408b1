"""Draw curves from the JSON logs of runs, and tell how long an iteration took.

python tools/analyze_logs.py WORK_DIR [WORK_DIR …] [--keys loss mIoU] [--out curves.png]
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot

from mmseg.core.evaluation.percent import SCORES
from mmseg.core.json_logs import NETWORKS, Curves, find_logs, read_curves
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError, nearest
from mmseg.utils.figures import save_figure

_PANEL = (8.0, 3.2)  # inches


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runs', nargs='+', type=Path, help='work dirs, or .log.json files')
    parser.add_argument(
        '--keys', nargs='+', help='curves, a panel each [loss, and mIoU or what is in its place]'
    )
    parser.add_argument('--legend', nargs='+', help="what the runs are called [the logs' names]")
    parser.add_argument(
        '--out', type=Path, default=Path('curves.png'), help='the picture [curves.png]'
    )
    return parser.parse_args()


def default_keys(runs: Mapping[str, Curves]) -> list[str]:
    """Return the loss, and the first of mIoU, mDice and mFscore that every run was evaluated by."""
    shared = [
        score
        for score in SCORES
        if all(any(f'{score} {n}' in curves for n in NETWORKS) for curves in runs.values())
    ]
    return ['loss', *shared[:1]]


def chosen(curves: Curves, key: str) -> Curves:
    """Return the curves that a key stands for: one of training, or a metric of both networks.

    Raises:
        UserError: The run has none.
    """
    names = [name for name in (key, *(f'{key} {n}' for n in NETWORKS)) if name in curves]
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
    save_figure(figure, path)
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
    draw(runs, args.keys or default_keys(runs), args.out)
    print(f'curves in {args.out}')


if __name__ == '__main__':
    run_cli(main)
