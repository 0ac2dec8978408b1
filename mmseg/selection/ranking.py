"""Which of several networks to take, by scores that need no labels, and how far to trust that."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Scores = Mapping[str, float]
STUDENT_AND_TEACHER = 'student and teacher'
# Scores that look at the same thing count as one voice.
FAMILIES: Mapping[str, Sequence[str]] = {
    'certainty': ('information maximisation', 'nuclear norm'),
    'consistency': ('mixtures', 'flip agreement', STUDENT_AND_TEACHER),
    'clusters': ('clusters',),
}
# A network that one family ranks in this upper part of all is a good one in its eyes.
_UPPER_PART = 1 / 3


class Candidate(NamedTuple):
    """A network to choose.

    Attributes:
        run: Its run.
        iteration: When it was saved.
        branch: 'student' or 'teacher'.
    """

    run: str
    iteration: int
    branch: str

    def __str__(self) -> str:
        return f'{self.run}, iteration {self.iteration}, {self.branch}'


class Advice(NamedTuple):
    """What to take.

    Attributes:
        candidate: The network.
        agree: Families that rank it in their upper third.
        reason: A sentence that says how far to trust it.
    """

    candidate: Candidate
    agree: Sequence[str]
    reason: str


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, 1 for the largest; ties share the mean of theirs.

    >>> ranks([0.3, 0.9, 0.3])
    [2.5, 1.0, 2.5]
    """
    larger = [sum(other > value for other in values) for value in values]
    alike = [sum(other == value for other in values) for value in values]
    return [above + (same + 1) / 2 for above, same in zip(larger, alike, strict=True)]


def family_ranks(table: Mapping[Candidate, Scores]) -> dict[str, dict[Candidate, float]]:
    """Return, for each family with scores of all candidates, their mean ranks in it."""
    candidates = list(table)
    found: dict[str, dict[Candidate, float]] = {}
    for family, names in FAMILIES.items():
        known = [name for name in names if all(name in table[c] for c in candidates)]
        columns = [ranks([table[c][name] for c in candidates]) for name in known]
        if columns:
            means = [sum(row) / len(row) for row in zip(*columns, strict=True)]
            found[family] = dict(zip(candidates, means, strict=True))
    return found


def advise(table: Mapping[Candidate, Scores], collapsed: Mapping[Candidate, str]) -> Advice:
    """Choose a network.

    The one with the best mean rank over the families is taken where at least two families find it
    good; where they disagree it is the teacher that was saved last, which needs no score.

    Args:
        table: Scores of each candidate.
        collapsed: What is wrong with those whose predictions have collapsed; they are not taken,
            unless more than half are such: then what is wrong with most tells none from the others.

    Raises:
        ValueError: There is no candidate.
    """
    if not table:
        raise ValueError('there is no candidate')
    sound = [c for c in table if c not in collapsed]
    allowed = sound if 2 * len(sound) >= len(table) else list(table)
    families = family_ranks(table)
    limit = max(1.0, len(table) * _UPPER_PART)
    mean = {c: sum(f[c] for f in families.values()) / max(len(families), 1) for c in allowed}
    best = min(allowed, key=lambda c: (mean[c], -c.iteration))
    agree = [family for family, of in families.items() if of[best] <= limit]
    if len(agree) >= 2:
        return Advice(best, agree, f'{" and ".join(agree)} find it among the best third')
    last = max(allowed, key=lambda c: (c.branch == 'teacher', c.iteration))
    return Advice(
        last,
        agree,
        'the kinds of scores disagree, so that none is to be trusted here: it is the last '
        f'{last.branch}',
    )
