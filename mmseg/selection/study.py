"""How reliable scores without labels are: what they say beside the true mIoU.

Legend: a group is what a person chooses from: all networks of one run, or the last teachers (the
students of runs without) of several runs on one target.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy.stats import spearmanr

from .ranking import Candidate, Scores, advise

TRUTH = 'mIoU'
LAST, ADVICE, ANY = 'the last teacher', 'the advice of the tool', 'any, on average'
ITERATION = 'iteration'


class Reliability(NamedTuple):
    """How well a way of choosing does in groups.

    Attributes:
        correlations: Spearman's rank correlation with the true mIoU, of each group where it is
            defined.
        regrets: mIoU in points lost against the best network, of each group.
    """

    correlations: list[float]
    regrets: list[float]


def groups_within_runs(
    table: Mapping[Candidate, Scores], least: int = 4
) -> list[dict[Candidate, Scores]]:
    """Return the networks of each run, where there are enough of them."""
    runs = dict.fromkeys(candidate.run for candidate in table)
    groups = [{c: table[c] for c in table if c.run == run} for run in runs]
    return [group for group in groups if len(group) >= least]


def last_networks(table: Mapping[Candidate, Scores]) -> dict[Candidate, Scores]:
    """Return of each run the teacher that was saved last, or the student where there is none."""
    runs = dict.fromkeys(candidate.run for candidate in table)
    lasts = [last_teacher([c for c in table if c.run == run]) for run in runs]
    return {last: table[last] for last in lasts}


def last_teacher(candidates: Sequence[Candidate]) -> Candidate:
    """Return the teacher that was saved last, or the student where there is none."""
    return max(candidates, key=lambda c: (c.branch == 'teacher', c.iteration))


def reliabilities(
    groups: Sequence[Mapping[Candidate, Scores]],
    collapsed: Mapping[Candidate, str],
    between_runs: bool,
) -> dict[str, Reliability]:
    """Compare every score, and what needs none, with the truth.

    Args:
        groups: Networks with their scores, 'mIoU' in [0, 1] among them.
        collapsed: Networks that the advice leaves out.
        between_runs: Whether groups are of several runs: then the iteration says nothing.

    Returns:
        By name; scores that only some groups have count in those.
    """
    found: dict[str, Reliability] = {}
    for group in groups:
        candidates = list(group)
        truth = [100 * group[c][TRUTH] for c in candidates]
        names = list(dict.fromkeys(name for values in group.values() for name in values))
        columns = {name: [group[c].get(name) for c in candidates] for name in names}
        if not between_runs:
            columns[ITERATION] = [c.iteration for c in candidates]
        for name, column in columns.items():
            values = [value for value in column if value is not None]
            if name == TRUTH or len(values) < len(column):
                continue
            ours = found.setdefault(name, Reliability([], []))
            if len(set(values)) > 1 and len(set(truth)) > 1:
                ours.correlations.append(float(spearmanr(values, truth).statistic))
            if name != ITERATION:
                ours.regrets.append(max(truth) - truth[values.index(max(values))])
        known = {c: {n: v for n, v in group[c].items() if n != TRUTH} for c in candidates}
        advised = advise(known, {c: w for c, w in collapsed.items() if c in group}).candidate
        chosen = {ADVICE: 100 * group[advised][TRUTH], ANY: sum(truth) / len(truth)}
        if not between_runs:
            chosen[LAST] = 100 * group[last_teacher(candidates)][TRUTH]
        for name, value in chosen.items():
            ours = found.setdefault(name, Reliability([], []))
            ours.regrets.append(max(truth) - value)
    return found


def reliability_table(found: Mapping[str, Reliability]) -> str:
    """Lay reliabilities out in Markdown: means over the groups, and the worst."""
    lines = [
        '| chosen by | rank correlation | its least | points lost | at most |',
        '| --- | --- | --- | --- | --- |',
    ]
    for name, (correlations, regrets) in found.items():
        cells = [
            _mean(correlations, '+.2f'),
            f'{min(correlations):+.2f}' if correlations else '',
            _mean(regrets, '.1f'),
            f'{max(regrets):.1f}' if regrets else '',
        ]
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def _mean(values: Sequence[float], form: str) -> str:
    return f'{math.fsum(values) / len(values):{form}}' if values else ''
