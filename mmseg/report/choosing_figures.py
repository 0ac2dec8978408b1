"""Figures of what unlabelled images of the target say of a run's checkpoints."""

from collections.abc import Sequence

from .drawing import Figure, Shown, line, over_iterations, present


def scores_without_labels(runs: Sequence[Shown]) -> list[Figure]:
    """Draw each score of tools/choose.py over the checkpoints, a small figure each."""
    names = dict.fromkeys(
        name for s in runs for network in s.run.choosing for name in network['scores']
    )
    figures = []
    for index, name in enumerate(names):
        traces = [
            line(_points(s, branch, name), **s.style(branch))
            for s in runs
            for branch in ('student', 'teacher')
        ]
        layout = over_iterations(runs, '', rangemode='normal', nticks=4)
        layout['xaxis'] |= {'title': {}, 'nticks': 3}
        layout |= {'showlegend': False, 'margin': {'l': 40, 'r': 12, 't': 6, 'b': 22}}
        traces = [trace for trace in traces if trace['x']]
        key, title = f'choosing-{index}', f'{name[:1].upper()}{name[1:]}'
        figures += present(Figure(key, title, traces, layout, '', 140, is_small=True))
    return figures


def _points(s: Shown, branch: str, name: str) -> list[tuple[int, float]]:
    return [
        (network['iteration'], network['scores'][name])
        for network in s.run.choosing
        if network['branch'] == branch and name in network['scores']
    ]
