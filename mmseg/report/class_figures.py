"""Figures of single classes: IoU (or Dice, …), confusion, their part of the instance bank."""

from collections.abc import Sequence

from .drawing import (
    COLOURS,
    GRAY,
    Figure,
    Json,
    Shown,
    heat_map,
    kind_of,
    line,
    over_iterations,
    per_run,
    present,
)
from .run import Run

_BAR = 9  # pixels
_LEAST_RANGE = 10.0  # percent: below, noise would look like a curve
_DRIFT_COLUMNS = 40


def class_bars(runs: Sequence[Shown], baseline: Run | None) -> list[Figure]:
    """Draw the last IoU, or its like, of each class as bars, those of a baseline beside them."""
    kind = kind_of(runs)
    groups = [(s.run, network, s.style(network)) for s in runs for network in s.run.networks]
    if baseline is not None and baseline.networks:
        groups.append((baseline, 'student', {'name': 'source-only', 'colour': GRAY, 'dash': ''}))
    traces = [_bars(run.class_values(network, kind), **style) for run, network, style in groups]
    layout = {
        'barmode': 'group',
        'bargap': 0.3,
        'xaxis': {'title': {'text': f'{kind} in %'}, 'rangemode': 'tozero'},
        'yaxis': {**_axis_of_classes(''), 'autorange': 'reversed'},
        'hovermode': 'closest',
    }
    num_bars = sum(len(trace['y']) for trace in traces)
    num_classes = len(traces[0]['y']) if traces else 0
    height = 120 + 8 * num_classes + _BAR * num_bars
    title = f'{kind} of each class, last evaluation'
    return present(Figure('class-bars', title, traces, layout, height=height, is_wide=True))


def class_curves(runs: Sequence[Shown]) -> list[Figure]:
    """Draw the IoU, or its like, of each class over iterations, a small figure each."""
    kind = kind_of(runs)
    figures = []
    for index, name in enumerate(_classes(runs)):
        traces = [
            line(s.run.class_curve(network, kind, name), **s.style(network), scale=100)
            for s in runs
            for network in s.run.networks
        ]
        top = max([_LEAST_RANGE, *(1.1 * y for trace in traces for y in trace['y'])])
        layout = over_iterations(runs, '', range=[0, top], nticks=4)
        layout['xaxis'] |= {'title': {}, 'nticks': 3}
        layout |= {'showlegend': False, 'margin': {'l': 28, 'r': 12, 't': 6, 'b': 22}}
        figures += present(Figure(f'class-{index}', name, traces, layout, '', 120, is_small=True))
    return figures


def confusion(runs: Sequence[Shown]) -> list[Figure]:
    """Draw the confusion matrices of the last evaluation, in shares of the true classes."""
    matrices = {
        s.style(network)['name']: s.run.evaluations[-1][network]['confusion']
        for s in runs
        for network in s.run.networks
        if 'confusion' in s.run.evaluations[-1][network]
    }
    classes = _classes(runs)
    hover = 'true %{y}<br>predicted %{x}<br>%{z:.1f} %'
    layout = {
        'xaxis': {**_axis_of_classes('predicted'), 'tickangle': -90},
        'yaxis': {**_axis_of_classes('true'), 'autorange': 'reversed'},
        'hovermode': 'closest',
    }
    note = 'Where the pixels of each true class went: the darker, the more of the class.'
    figures = []
    for index, (name, counts) in enumerate(matrices.items()):
        trace = heat_map(classes, classes, _shares(counts, len(classes)), hover)
        trace |= {'zmin': 0, 'zmax': 100, 'showscale': False}
        title = f'Confusion of {name}'
        figures += present(Figure(f'confusion-{index}', title, [trace], layout, note, 520))
    return figures


def _axis_of_classes(title: str) -> Json:
    """Return an axis that names every class, however narrow it is."""
    font = {'size': 10}
    return {'title': {'text': title, 'standoff': 12}, 'dtick': 1, 'tickfont': font}


def bank(runs: Sequence[Shown]) -> list[Figure]:
    """Draw what the instance bank holds of each class, and how far it moves."""
    return [figure for s in runs for figure in _occupancy(s)] + _drift(runs)


def _occupancy(s: Shown) -> list[Figure]:
    if not s.run.bank:
        return []
    last = s.run.bank[-1]
    classes = s.run.classes or [f'class {c}' for c in range(len(last['quotas']))]
    filled = {'name': 'filled', 'colour': COLOURS[0], 'values': last['counts']}
    free = {
        'name': 'free',
        'colour': '#dbeafe',
        'values': [max(q - c, 0) for q, c in zip(last['quotas'], last['counts'], strict=True)],
    }
    traces = [
        {
            'type': 'bar',
            'name': part['name'],
            'x': classes,
            'y': part['values'],
            'marker': {'color': part['colour']},
        }
        for part in (filled, free)
    ]
    layout = {
        'barmode': 'stack',
        'xaxis': {**_axis_of_classes(''), 'tickangle': -90},
        'yaxis': {'title': {'text': 'entries'}},
        'legend': {'orientation': 'h', 'y': 1, 'yanchor': 'bottom', 'traceorder': 'normal'},
    }
    title = 'Instance bank' if s.is_alone else f'Instance bank of {s.label}'
    note = _bank_note(last, classes)
    return [Figure(f'bank-{s.label}', title, traces, layout, note, 380)]


def _bank_note(last: Json, classes: Sequence[str]) -> str:
    """Say how full the bank is, what it waits for and since when the instance loss runs."""
    filled, total = sum(last['counts']), sum(last['quotas'])
    sentences = [f'{filled} of {total} entries are filled.']
    waited_for = [
        name
        for name, count, quota in zip(classes, last['counts'], last['quotas'], strict=True)
        if count < quota
    ]
    if last.get('loss_since') is not None:
        sentences.append(f'The instance loss runs since iteration {last["loss_since"]}.')
    elif filled < total and 'loss_since' in last:
        sentences.append(f'The instance loss has not run: waiting for {", ".join(waited_for)}.')
    for iteration in last.get('shared_out', []):
        sentences.append(f'Unfilled entries were shared out anew at iteration {iteration}.')
    return ' '.join(sentences)


def _drift(runs: Sequence[Shown]) -> list[Figure]:
    """Draw the drift of each class of a single run, or the mean drift of several."""
    note = "How far a class's mean entry moved since the record before, relative to its length."
    title = 'Drift of the instance bank'
    if len(runs) > 1:
        return per_run(runs, 'bank_drift', 'drift', title, 'relative drift', note=note)
    run = runs[0].run
    # The first record has none before it.
    records = run.bank[1 :: -(-len(run.bank) // _DRIFT_COLUMNS) or 1]
    rows = [[record['drift'][index] for record in records] for index in range(len(run.classes))]
    hover = '%{y}<br>iteration %{x}<br>moved by %{z:.3f}'
    trace = heat_map(run.classes, [str(record['iter']) for record in records], rows, hover)
    trace['colorbar'] = {'thickness': 10}
    layout = {
        'xaxis': {'title': {'text': 'iteration'}, 'type': 'category', 'nticks': 8},
        'yaxis': {**_axis_of_classes(''), 'autorange': 'reversed'},
        'hovermode': 'closest',
    }
    return present(Figure('drift', title, [trace], layout, note, 380))


def _bars(values: dict[str, float | None], name: str, colour: str, dash: str) -> Json:
    return {
        'type': 'bar',
        'orientation': 'h',
        'name': name,
        'y': list(values),
        'x': list(values.values()),
        'marker': {'color': colour, 'opacity': 0.55 if dash == 'dot' else 1},
        'hovertemplate': '%{y}: %{x:.1f} %<extra>' + name + '</extra>',
    }


def _classes(runs: Sequence[Shown]) -> list[str]:
    return next((s.run.classes for s in runs if s.run.classes), [])


def _shares(counts: Sequence[Sequence[int]], num_classes: int) -> list[list[float | None]]:
    """Return the rows of a confusion matrix in percent, None for classes without a pixel."""
    return [
        [round(100 * value / sum(row), 2) if sum(row) else None for value in row[:num_classes]]
        for row in counts[:num_classes]
    ]
