"""What the report's figures are made of, as plotly's JSON.

Colours tell runs apart, or the networks of a single run; teachers are dotted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mmseg.core.evaluation.percent import main_score

from .run import Run

Json = dict[str, Any]
Points = Sequence[tuple[int, float]]

COLOURS = (
    *('#2563eb', '#ea580c', '#059669', '#9333ea', '#dc2626'),
    *('#0891b2', '#ca8a04', '#db2777', '#4d7c0f', '#475569'),
)
GRAY = '#94a3b8'
# From the page's white to dark blue.
SCALE = ((0, '#f8fafc'), (0.25, '#bfdbfe'), (0.6, '#3b82f6'), (1, '#1e3a8a'))
_NETWORK_COLOURS = {'student': COLOURS[0], 'teacher': COLOURS[1]}
_MAX_POINTS = 1000
_MAX_MARKED = 30


@dataclass(frozen=True)
class Figure:
    """One figure of the page.

    Attributes:
        key: Its name in the page.
        title: What it shows.
        traces: plotly's traces.
        layout: plotly's layout, as far as it is not the page's own.
        note: A sentence that says how to read it.
        height: Height in pixels.
        is_small: Whether it is one of many that stand side by side.
        is_wide: Whether it takes the whole width of the page.
    """

    key: str
    title: str
    traces: list[Json]
    layout: Json = field(default_factory=dict)
    note: str = ''
    height: int = 300
    is_small: bool = False
    is_wide: bool = False

    def as_json(self) -> Json:
        """Return what the page's script reads."""
        return {'key': self.key, 'data': self.traces, 'layout': self.layout}


@dataclass(frozen=True)
class Shown:
    """A run in a report: its short name and colour, and whether it is the only one."""

    run: Run
    label: str
    colour: str
    is_alone: bool

    def style(self, network: str) -> Json:
        """Return name, colour and dash of what is drawn of a network."""
        if self.is_alone:
            return {'name': network, 'colour': _NETWORK_COLOURS[network], 'dash': 'solid'}
        dash = 'dot' if network == 'teacher' else 'solid'
        return {'name': f'{self.label}, {network}', 'colour': self.colour, 'dash': dash}


def shown(runs: Sequence[Run], labels: Sequence[str]) -> list[Shown]:
    """Give each run of a report its colour."""
    return [
        Shown(run, label, COLOURS[index % len(COLOURS)], len(runs) == 1)
        for index, (run, label) in enumerate(zip(runs, labels, strict=True))
    ]


def kind_of(runs: Sequence[Shown]) -> str:
    """Return the kind of values of a class that a report shows: 'IoU', or what a run has of it."""
    kinds = {s.run.kind for s in runs if s.run.networks}
    return main_score(f'm{kind}' for kind in kinds)[1:]


def line(points: Points, name: str, colour: str, dash: str = 'solid', scale: float = 1) -> Json:
    """Draw a line through points, thinned out where there are more than a screen can show.

    Args:
        points: (iteration, value).
        name: Its name in the legend.
        colour: As in CSS.
        dash: As in plotly.
        scale: What values are multiplied by.
    """
    points = _thinned(points)
    return {
        'type': 'scatter',
        'mode': 'lines+markers' if len(points) <= _MAX_MARKED else 'lines',
        'name': name,
        'x': [iteration for iteration, _ in points],
        'y': [float(f'{value * scale:.5g}') for _, value in points],
        'line': {'color': colour, 'dash': dash, 'width': 2},
        'marker': {'size': 5},
        'cliponaxis': False,
    }


def over_iterations(runs: Sequence[Shown], unit: str, **axis: Any) -> Json:
    """Return the layout of curves over all iterations of the longest run.

    Args:
        runs: The report's runs.
        unit: What the values' axis is called.
        **axis: Further settings of that axis, as in plotly.
    """
    last = max(max(done, total or 0) for done, total in (s.run.iterations for s in runs))
    return {
        'xaxis': {'title': {'text': 'iteration'}, 'range': [0, last]},
        'yaxis': {'title': {'text': unit}, 'rangemode': 'tozero', **axis},
    }


def per_run(
    runs: Sequence[Shown],
    curve: str,
    key: str,
    title: str,
    unit: str,
    scale: float = 1,
    axis: Json | None = None,
    **more: Any,
) -> list[Figure]:
    """Draw one curve of each run; nothing where none has it.

    Args:
        runs: The report's runs.
        curve: The curve's name in the log.
        key: See `Figure`.
        title: See `Figure`.
        unit: What the values' axis is called.
        scale: What values are multiplied by.
        axis: Further settings of the values' axis, as in plotly.
        **more: Further fields of `Figure`.
    """
    traces = [
        line(s.run.curves[curve], s.label, s.colour, scale=scale)
        for s in runs
        if curve in s.run.curves
    ]
    return present(Figure(key, title, traces, over_iterations(runs, unit, **(axis or {})), **more))


def present(figure: Figure) -> list[Figure]:
    """Return the figure, or nothing where it has nothing to show."""
    return [figure] if any(trace['x'] for trace in figure.traces) else []


def heat_map(rows: Sequence[str], columns: Sequence[Any], values: Any, hover: str) -> Json:
    """Draw values (rows, columns) as shades; None leaves a cell empty."""
    return {
        'type': 'heatmap',
        'x': list(columns),
        'y': list(rows),
        'z': values,
        'colorscale': [list(stop) for stop in SCALE],
        'hovertemplate': hover + '<extra></extra>',
        'hoverongaps': False,
        'xgap': 1,
        'ygap': 1,
    }


def _thinned(points: Points) -> Points:
    step = -(-len(points) // _MAX_POINTS)
    return [*points[:-1:step], points[-1]] if step > 1 else points
