"""What an experiment came to: summary.json and the table on the screen."""

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.utils.atomic import atomic_path

SUMMARY = 'summary.json'
NUM_COLUMNS = 120
_FIGURES = '{:>15}{:>15}{:>9}{:>9}'


def write_summary(entries: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Write the runs' entries to summary.json.

    Args:
        entries: What `read_result` returned for each run.
        folder: The experiment's folder.

    Returns:
        The file.
    """
    path = folder / SUMMARY
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps({'runs': list(entries)}, indent=2) + '\n')
    return path


def summary_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of all runs, followed by mean ± standard deviation where seeds repeat.

    Args:
        entries: What `read_result` returned for each run; percent, seconds, GiB.

    Returns:
        Lines of at most 120 columns.
    """
    header = ('mIoU', 'teacher', 'minutes', 'GiB')
    rows = [(entry['name'], _figures([entry])) for entry in entries]
    settings = _by_setting(entries)
    if len(settings) < len(entries):
        rows += [
            (f'{name} (mean ± sd of {len(runs)} seeds)', _figures(runs))
            for name, runs in settings.items()
            if len(runs) > 1
        ]
    num_figure_columns = len(_FIGURES.format(*header))
    width = min(max(len(name) for name, _ in rows), NUM_COLUMNS - num_figure_columns)
    lines = [f'{"run":<{width}}{_FIGURES.format(*header)}']
    lines += [f'{_shortened(name, width):<{width}}{_FIGURES.format(*row)}' for name, row in rows]
    return '\n'.join(lines)


def _by_setting(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Group runs that differ in nothing but the seed."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        groups.setdefault(re.sub(r'_s\d+$', '', entry['name']), []).append(entry)
    return groups


def _figures(runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    minutes = statistics.mean(run['seconds'] for run in runs) / 60
    memory = max(run['peak_memory_gb'] for run in runs)
    return (
        _mean_and_spread([run['mIoU'] for run in runs]),
        _mean_and_spread([run['mIoU_teacher'] for run in runs]),
        f'{minutes:.1f}',
        f'{memory:.1f}',
    )


def _mean_and_spread(values: Sequence[float | None]) -> str:
    """Return the mean, with the standard deviation of a sample where there are several."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return '-'
    spread = f' ± {statistics.stdev(known):.2f}' if len(known) > 1 else ''
    return f'{statistics.mean(known):.2f}{spread}'


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else f'{name[: width - 1]}…'
