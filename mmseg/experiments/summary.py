"""What an experiment came to: summary.json, the table on the screen, the comparison."""

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.report import REPORT, write_report
from mmseg.utils.atomic import atomic_path
from mmseg.utils.distinct_parts import distinct_parts

SUMMARY = 'summary.json'
NUM_COLUMNS = 120
MAX_COMPARED = 10  # as many colours as can be told apart
_HEADER = ('run', 'seed', 'mIoU', 'teacher', 'minutes', 'GiB')
_CELLS = '{:>12}{:>15}{:>15}{:>9}{:>7}'


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


def write_comparison(entries: Sequence[Mapping[str, Any]], folder: Path) -> Path | None:
    """Write the page that compares the runs.

    Args:
        entries: What `read_result` returned for each run.
        folder: The experiment's folder.

    Returns:
        The file; None where the runs are too few or too many to compare, or one left no log.
    """
    work_dirs = [Path(entry['work_dir']) for entry in entries]
    have_logs = all(any(work_dir.glob('*.log.json')) for work_dir in work_dirs)
    if not 1 < len(work_dirs) <= MAX_COMPARED or not have_logs:
        return None
    return write_report(work_dirs, folder / REPORT)


def summary_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of all runs, followed by mean ± standard deviation where seeds repeat.

    Args:
        entries: What `read_result` returned for each run; percent, seconds, GiB.

    Returns:
        Lines of at most 120 columns; the runs' names without what is the same in all.
    """
    settings = [re.sub(r'_s\d+$', '', entry['name']) for entry in entries]
    labels = dict(zip(settings, distinct_parts(settings), strict=True))
    rows = [
        (labels[setting], str(entry['seed']), *_figures([entry]))
        for setting, entry in zip(settings, entries, strict=True)
    ]
    for setting, label in labels.items():
        runs = [entry for own, entry in zip(settings, entries, strict=True) if own == setting]
        if len(runs) > 1:
            rows.append((label, f'mean of {len(runs)}', *_figures(runs)))

    width = min(max(map(len, ['run', *labels.values()])), NUM_COLUMNS - len(_line(_HEADER, 0)))
    return '\n'.join(_line(row, width) for row in [_HEADER, *rows])


def mean_and_spread(values: Sequence[float], digits: int) -> str:
    """Return the mean of one or more values, ± the standard deviation of a sample for several."""
    spread = f' ± {statistics.stdev(values):.{digits}f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.{digits}f}{spread}'


def _line(cells: Sequence[str], width: int) -> str:
    name, *others = cells
    name = name if len(name) <= width else f'{name[: max(width - 1, 0)]}…'[:width]
    return f'{name:<{width}}' + _CELLS.format(*others)


def _figures(runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    minutes = statistics.mean(run['seconds'] for run in runs) / 60
    memory = max(run['peak_memory_gb'] for run in runs)
    return (
        _cell_of([run['mIoU'] for run in runs]),
        _cell_of([run['mIoU_teacher'] for run in runs]),
        f'{minutes:.1f}',
        f'{memory:.1f}',
    )


def _cell_of(values: Sequence[float | None]) -> str:
    """Return the mean, with the standard deviation of a sample where there are several."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return '-'
    return mean_and_spread(known, digits=2)
