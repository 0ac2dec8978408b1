"""Reliability of scores; values worked out by hand."""

import pytest

from mmseg.selection.ranking import Candidate
from mmseg.selection.study import (
    ADVICE,
    ANY,
    ITERATION,
    LAST,
    groups_within_runs,
    last_networks,
    reliabilities,
    reliability_table,
)


def table(run='a', scores=((10, 0.3, 0.1), (20, 0.5, 0.3), (30, 0.4, 0.2))):
    """Students with mIoU and a score at some iterations."""
    return {
        Candidate(run, iteration, 'student'): {'mIoU': truth, 'nuclear norm': value}
        for iteration, truth, value in scores
    }


def test_reliabilities__a_score_that_ranks_as_the_truth_loses_nothing():
    found = reliabilities([table()], {}, between_runs=False)
    assert found['nuclear norm'].correlations == pytest.approx([1])
    assert found['nuclear norm'].regrets == [0]
    assert found[ITERATION].correlations == pytest.approx([0.5]) and not found[ITERATION].regrets
    assert found[LAST].regrets == pytest.approx([10])
    assert found[ANY].regrets == pytest.approx([10])
    assert 'mIoU' not in found


def test_reliabilities__a_score_of_the_other_direction_takes_the_worst():
    scores = ((10, 0.3, 0.9), (20, 0.5, 0.1), (30, 0.4, 0.2))
    found = reliabilities([table(scores=scores), table()], {}, between_runs=False)
    assert found['nuclear norm'].correlations == pytest.approx([-1, 1])
    assert found['nuclear norm'].regrets == pytest.approx([20, 0])
    assert found[ADVICE].regrets == pytest.approx([10, 10])  # one family is no majority


def test_reliabilities__between_runs_the_iteration_has_no_say():
    group = table() | table('b', ((10, 0.6, 0.4),))
    found = reliabilities([group], {}, between_runs=True)
    assert ITERATION not in found and LAST not in found


def test_groups__networks_of_a_run_and_the_last_of_each():
    both = table() | table('b')
    assert [len(group) for group in groups_within_runs(both, least=3)] == [3, 3]
    assert groups_within_runs(both) == []
    assert [c.iteration for c in last_networks(both)] == [30, 30]
    teacher = Candidate('b', 20, 'teacher')
    lasts = last_networks(both | {teacher: {'mIoU': 0.1}})
    assert [(c.run, c.branch) for c in lasts] == [('a', 'student'), ('b', 'teacher')]


def test_reliability_table__means_and_worst_in_markdown():
    found = reliabilities([table()], {}, between_runs=False)
    lines = reliability_table(found).splitlines()
    assert lines[2] == '| nuclear norm | +1.00 | +1.00 | 0.0 | 0.0 |'
    assert '| iteration | +0.50 | +0.50 |  |  |' in lines
