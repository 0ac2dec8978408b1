"""A figure of the study of choosing: how many points each way of choosing loses."""

import statistics
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from mmseg.utils.figures import save_figure

from .study import Reliability


def draw_regrets(found: Mapping[str, Reliability], path: str | Path) -> None:
    """Draw the points lost in each group as dots, and their mean as a bar, the best way on top.

    Args:
        found: What `reliabilities` returned; what chooses nothing is left out.
        path: The picture file.
    """
    regrets = {name: ours.regrets for name, ours in found.items() if ours.regrets}
    names = sorted(regrets, key=lambda name: statistics.fmean(regrets[name]))
    figure = Figure(figsize=(8, 0.8 + 0.34 * len(names)), layout='constrained')
    axes = figure.subplots()
    for y, name in enumerate(names):
        values = regrets[name]
        axes.barh(y, statistics.fmean(values), color='tab:blue', alpha=0.35)
        axes.plot(values, [y] * len(values), '.', color='black', markersize=4, alpha=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel('points of mIoU lost against the best network (a dot a run, a bar the mean)')
    axes.grid(axis='x', alpha=0.3)
    save_figure(figure, path)
