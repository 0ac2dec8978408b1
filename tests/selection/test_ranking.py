"""Advice on which network to take."""

import pytest

from mmseg.selection.ranking import Candidate, advise, family_ranks, ranks


def candidate(iteration, branch='student'):
    return Candidate('run', iteration, branch)


FIRST, SECOND, THIRD = candidate(10), candidate(20), candidate(30)
TEACHER = candidate(30, 'teacher')


def table(*rows):
    """Scores (certainty, consistency, clusters) of the four networks."""
    return {
        c: {'information maximisation': row[0], 'mixtures': row[1], 'clusters': row[2]}
        for c, row in zip((FIRST, SECOND, THIRD, TEACHER), rows, strict=True)
    }


def test_ranks__ties_share_the_mean_of_theirs():
    assert ranks([5.0, 1.0, 5.0, 3.0]) == [1.5, 4.0, 1.5, 3.0]


def test_family_ranks__scores_of_one_kind_are_one_voice():
    values = {
        FIRST: {'information maximisation': 1.0, 'nuclear norm': 0.1, 'clusters': 0.3},
        SECOND: {'information maximisation': 2.0, 'nuclear norm': 0.05, 'clusters': 0.4},
    }
    assert family_ranks(values) == {
        'certainty': {FIRST: 1.5, SECOND: 1.5},
        'clusters': {FIRST: 2.0, SECOND: 1.0},
    }


def test_family_ranks__a_score_that_some_lack_is_left_out():
    values = {FIRST: {'mixtures': 1.0, 'clusters': 0.3}, SECOND: {'mixtures': 2.0}}
    assert family_ranks(values) == {'consistency': {FIRST: 2.0, SECOND: 1.0}}


def test_advise__takes_what_the_kinds_of_scores_agree_on():
    advice = advise(table((1, 1, 1), (3, 3, 2), (2, 2, 3), (0, 0, 0)), {})
    assert advice.candidate == SECOND
    assert advice.agree == ['certainty', 'consistency']


def test_advise__takes_the_last_teacher_where_they_disagree():
    advice = advise(table((3, 0, 0), (0, 3, 0), (0, 0, 3), (1, 1, 1)), {})
    assert advice.candidate == TEACHER and len(advice.agree) < 2
    assert 'disagree' in advice.reason and 'the last teacher' in advice.reason


def test_advise__leaves_out_what_has_collapsed_unless_most_have():
    scores = table((1, 1, 1), (3, 3, 3), (2, 2, 2), (0, 0, 0))
    assert advise(scores, {SECOND: 'one class takes all'}).candidate != SECOND
    half = dict.fromkeys((SECOND, THIRD), 'sky vanished')
    assert advise(scores, half).candidate not in half
    most = dict.fromkeys((SECOND, THIRD, TEACHER), 'sky vanished')
    assert advise(scores, most).candidate == SECOND
    with pytest.raises(ValueError, match='no candidate'):
        advise({}, {})
