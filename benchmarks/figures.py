"""From measurements to figures: medians, ratios, a table."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

# Figure → its heading and format; figures that a workload does not yield are left out.
_COLUMNS = {
    'milliseconds': ('ms', '{:,.1f}'),
    'memory': ('peak GiB', '{:.2f}'),
    'images_per_second': ('images/s', '{:.3g}'),
    'teraflops': ('TFLOP/s', '{:.3g}'),
    'ceiling_teraflops': ('ceiling', '{:.3g}'),
}
# Operators of a profile that the table names.
_NUM_OPERATORS = 15


def summarize(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Join the measurements of one setting.

    Args:
        runs: Results of workloads, one a process.

    Returns:
        'milliseconds', the median of a step, with 'milliseconds_range'; 'memory', the highest
        peak (GiB); 'images_per_second'; where known 'teraflops', 'ceiling_teraflops' (the
        device's best matrix product), 'phases' (milliseconds a step) and 'operators' (name,
        milliseconds and calls in the first of the runs); and the 'facts' of a run, one by one.
    """
    steps = [seconds for run in runs for seconds in run['seconds']]
    seconds = statistics.median(steps)
    summary = {
        'milliseconds': 1e3 * seconds,
        'milliseconds_range': [1e3 * min(steps), 1e3 * max(steps)],
        'memory': max(run['memory'] for run in runs),
        'images_per_second': runs[0]['images'] / seconds,
    }
    if 'operations' in runs[0]:
        summary['teraflops'] = runs[0]['operations'] / seconds / 1e12
        summary['ceiling_teraflops'] = max(run['ceiling'] for run in runs) / 1e12
        summary['phases'] = {
            phase: 1e3 * statistics.median(run['phases'][phase] for run in runs)
            for phase in runs[0]['phases']
        }
    if 'operators' in runs[0]:
        summary['operators'] = runs[0]['operators']
    return {**runs[0].get('facts', {}), **summary}


def ratios(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, float]:
    """Divide the second setting's time and peak memory by the first's."""
    return {key: second[key] / first[key] for key in ('milliseconds', 'memory')}


def table(summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the figures as lines, one setting each, phases below.

    Args:
        summaries: Setting → what `summarize` returned.

    Returns:
        The table; with two settings it ends with their ratios, either way round.
    """
    columns = [key for key in _COLUMNS if all(key in s for s in summaries.values())]
    headings = ['', *(_COLUMNS[key][0] for key in columns)]
    rows = [
        [name, *(_COLUMNS[key][1].format(summary[key]) for key in columns)]
        for name, summary in summaries.items()
    ]
    lines = _align([headings, *rows])
    phases = list(dict.fromkeys(p for s in summaries.values() for p in s.get('phases', {})))
    if phases:
        times = [
            [name, *(f'{summary["phases"].get(phase, 0):,.1f}' for phase in phases)]
            for name, summary in summaries.items()
        ]
        lines += ['', *_align([['ms a phase', *phases], *times])]
    for name, summary in summaries.items():
        if 'operators' in summary:
            most = summary['operators'][:_NUM_OPERATORS]
            times = [[operator, f'{ms:,.1f}', f'{calls:,}'] for operator, ms, calls in most]
            lines += ['', *_align([[f'operators of {name}', 'ms', 'calls'], *times])]
    if len(summaries) == 2:
        lines.append('')
        for (name, one), (other, two) in itertools.permutations(summaries.items()):
            ratio = ratios(one, two)
            lines.append(
                f'{other} / {name}: {ratio["milliseconds"]:.2f} × the time, '
                f'{ratio["memory"]:.2f} × the memory'
            )
    return '\n'.join(lines)


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    names, *columns = zip(*rows, strict=True)
    padded = [[name.ljust(max(map(len, names))) for name in names]]
    padded += [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    return ['  '.join(cells) for cells in zip(*padded, strict=True)]
