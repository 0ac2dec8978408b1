"""Figures of how well probabilities tell how often predictions are right."""

from collections.abc import Sequence

from .drawing import GRAY, Figure, Json, Shown, present

_IDEAL = {'name': 'calibrated', 'line': {'color': GRAY, 'dash': 'dash', 'width': 1}}


def calibration(runs: Sequence[Shown]) -> list[Figure]:
    """Draw reliability diagrams and risk-coverage curves of the last evaluation."""
    known = [
        (s.style(network), s.run.evaluations[-1][network]['calibration'])
        for s in runs
        for network in s.run.networks
        if any(s.run.evaluations[-1][network].get('calibration', {}).get('share', ()))
    ]
    if not known:
        return []
    reliability = [_IDEAL | {'type': 'scatter', 'mode': 'lines', 'x': [0, 100], 'y': [0, 100]}]
    coverage = []
    for style, found in known:
        bins = [
            (100 * sure, 100 * right)
            for sure, right, share in zip(
                found['confidence'], found['accuracy'], found['share'], strict=True
            )
            if share > 0
        ]
        error = f'{style["name"]}, ECE {100 * found["ece"]:.1f} %'
        reliability.append(_curve({**style, 'name': error}, *zip(*bins, strict=True)))
        percent = [[100 * value for value in found[name]] for name in ('coverage', 'risk')]
        coverage.append(_curve(style, *percent))
    note = (
        'Of the pixels of a confidence, how many are right: above the line more than the network '
        'says, below it fewer. 15 bins; ECE is the mean distance from the line.'
    )
    return [
        *present(
            Figure(
                'reliability',
                'Reliability on validation images',
                reliability,
                _layout('confidence in %', 'right in %', range=[0, 100]),
                note,
            )
        ),
        *present(
            Figure(
                'risk-coverage',
                'Errors among the surest pixels',
                coverage,
                _layout('pixels that are kept, the surest first, in %', 'wrong in %'),
                'How many are wrong of the pixels that are kept where the least sure are left out.',
            )
        ),
    ]


def _curve(style: Json, x: Sequence[float], y: Sequence[float]) -> Json:
    return {
        'type': 'scatter',
        'mode': 'lines+markers',
        'name': style['name'],
        'x': [round(value, 2) for value in x],
        'y': [round(value, 2) for value in y],
        'line': {'color': style['colour'], 'dash': style['dash'], 'width': 2},
        'marker': {'size': 5},
        'cliponaxis': False,
    }


def _layout(x: str, y: str, **axis: object) -> Json:
    return {
        'xaxis': {'title': {'text': x}, 'range': [0, 100]},
        'yaxis': {'title': {'text': y}, 'rangemode': 'tozero', **axis},
        'hovermode': 'closest',
    }
