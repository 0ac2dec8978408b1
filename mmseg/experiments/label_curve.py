"""What a few labels of the target buy: a table and a figure of the runs of that experiment."""

import itertools
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from mmseg.utils.errors import UserError
from mmseg.utils.figures import save_figure

from .summary import mean_and_spread

ADAPTED, ALONE = 'adapting as well', 'from those labels alone'
DRAWN, SUGGESTED = 'drawn', 'suggested'
NONE, ALL = '0', 'all'
_LABELS = re.compile(r'labels-(?:(random|suggested)(\d+)|all)(?=_)')
_COLOURS = {ADAPTED: 'tab:blue', ALONE: 'tab:orange'}
# Line, place beside the number of labels, and whether dots are filled.
_STYLES = {DRAWN: ('--', -0.03, 'none'), SUGGESTED: ('-', 0.03, 'full')}

# mIoU of every seed in percent, by the number of labels, who chose them, and what is learnt from.
Curve = Mapping[tuple[str, str, str], Sequence[float]]


class _Place(NamedTuple):
    number: str
    chosen: Sequence[str]


def label_curve(entries: Sequence[Mapping[str, Any]]) -> Curve:
    """Sort runs by the labels of the target that they had.

    Args:
        entries: What `read_result` returned for each run.

    Returns:
        mIoU of the students, for each (number of labels, 'drawn' or 'suggested', what is learnt
        from). Where there is nothing to choose, with none and with all, it counts as either.

    Raises:
        UserError: None of the runs had any.
    """
    curve: dict[tuple[str, str, str], list[float]] = {}
    for entry in entries:
        place = _place_of(entry['name'])
        learnt = ALONE if '_target-only_' in entry['name'] else ADAPTED
        for chosen in place.chosen:
            curve.setdefault((place.number, chosen, learnt), []).append(entry['mIoU'])
    if all(number == NONE for number, *_ in curve):
        raise UserError('none of these runs learnt from labels of the target: see experiment 21')
    return curve


def curve_table(curve: Curve) -> str:
    """Lay a curve out in Markdown, mean ± standard deviation over the seeds."""
    lines = [f'| labels | {ADAPTED} | {ALONE} |', '| --- | --- | --- |']
    for number in _numbers(curve):
        for chosen in (DRAWN, SUGGESTED):
            cells = [_mean(curve.get((number, chosen, learnt))) for learnt in (ADAPTED, ALONE)]
            name = f'{number}, {chosen}'
            if number in (NONE, ALL):
                name = number
            line = f'| {name} | ' + ' | '.join(cells) + ' |'
            if any(cells) and line not in lines:
                lines.append(line)
    return '\n'.join(lines)


def draw_curve(curve: Curve, path: str | Path) -> None:
    """Draw a curve, the seeds as dots, into a picture file."""
    figure = Figure(figsize=(6.4, 4.4), layout='constrained')
    axes = figure.subplots()
    numbers = _numbers(curve)
    for (learnt, colour), (chosen, style) in itertools.product(_COLOURS.items(), _STYLES.items()):
        line, beside, fill = style
        places = [(x + beside, curve.get((n, chosen, learnt))) for x, n in enumerate(numbers)]
        there = [(x, values) for x, values in places if values]
        means = [statistics.fmean(values) for _, values in there]
        label = f'{learnt}, {chosen}'
        axes.plot([x for x, _ in there], means, line, color=colour, label=label)
        for x, values in there:
            axes.plot([x] * len(values), values, 'o', color=colour, markersize=4, fillstyle=fill)
    axes.set_xticks(range(len(numbers)), numbers)
    axes.set_xlabel('labelled images of the target')
    axes.set_ylabel('mIoU in %')
    axes.grid(axis='y', alpha=0.3)
    figure.legend(loc='outside lower center', ncols=2)
    save_figure(figure, path)


def _place_of(name: str) -> _Place:
    found = _LABELS.search(name)
    if found is None:
        return _Place(NONE, (DRAWN, SUGGESTED))
    if found[1] is None:
        return _Place(ALL, (DRAWN, SUGGESTED))
    return _Place(found[2], (DRAWN,) if found[1] == 'random' else (SUGGESTED,))


def _numbers(curve: Curve) -> list[str]:
    """Return the numbers of labels, fewest first and all last."""
    return sorted({n for n, *_ in curve}, key=lambda n: float('inf') if n == ALL else int(n))


def _mean(values: Sequence[float] | None) -> str:
    return mean_and_spread(values, digits=1) if values else ''
