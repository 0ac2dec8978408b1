"""Whether adaptation paid, worked out by hand."""

import pytest
import torch

from mmseg.selection.verdict import iou, judge_by_labels, judge_by_scores, voice_of


def scores(certainty, consistency, clusters):
    return {
        'information maximisation': certainty,
        'mixtures': consistency,
        'flip agreement': consistency,
        'clusters': clusters,
    }


BEFORE = scores(0.5, 0.5, 0.5)
UP, DOWN, SAME = 0.6, 0.4, 0.505


@pytest.mark.parametrize(
    ('after', 'answer', 'takes_adapted'),
    [
        ((UP, UP, UP), 'paid', True),
        ((SAME, UP, UP), 'paid', True),
        ((DOWN, UP, UP), 'paid', True),
        # Certainty rises in self-training whatever happens: it never makes up a majority.
        ((UP, UP, SAME), "can't tell", True),
        ((UP, SAME, UP), "can't tell", True),
        ((UP, SAME, SAME), "can't tell", True),
        ((UP, DOWN, UP), "can't tell", True),
        ((UP, UP, DOWN), "can't tell", True),
        # That it falls is a voice.
        ((DOWN, DOWN, UP), 'did not pay', False),
        ((DOWN, SAME, DOWN), 'did not pay', False),
        ((DOWN, SAME, SAME), "can't tell", True),
        ((UP, DOWN, DOWN), 'did not pay', False),
        ((DOWN, DOWN, DOWN), 'did not pay', False),
    ],
)
def test_judge_by_scores__takes_two_voices_of_which_certainty_is_none_in_favour(
    after, answer, takes_adapted
):
    verdict = judge_by_scores(BEFORE, scores(*after), None, None)
    assert (verdict.answer, verdict.take_adapted) == (answer, takes_adapted)
    assert 'certainty' in verdict.reason and 'clusters' in verdict.reason


def test_judge_by_scores__what_has_collapsed_did_not_pay_and_what_was_mended_did():
    good = scores(UP, UP, UP)
    fallen = judge_by_scores(BEFORE, good, None, 'sky takes 98% of all pixels')
    assert fallen.answer == 'did not pay' and 'sky takes 98%' in fallen.reason
    mended = judge_by_scores(BEFORE, scores(UP, UP, SAME), 'person vanished', None)
    assert mended.answer == 'paid' and 'person vanished' in mended.reason
    assert judge_by_scores(BEFORE, scores(UP, SAME, SAME), 'x', None).answer == "can't tell"
    both = judge_by_scores(BEFORE, good, 'x', 'soil takes 100% of all pixels')
    assert both.answer == "can't tell"
    assert 'of both have collapsed (soil takes 100% of all pixels): train for longer' in both.reason


def test_voice_of__scores_of_a_family_that_disagree_say_nothing():
    before = {'mixtures': 0.5, 'flip agreement': 0.5}
    assert voice_of('consistency', before, {'mixtures': 0.6, 'flip agreement': 0.4}) == 0
    assert voice_of('consistency', before, {'mixtures': 0.6, 'flip agreement': 0.505}) == 1
    assert voice_of('clusters', before, before) == 0


def counts(num_right, num_wrong):
    """Pixels of an image of two classes; the first one is taken for the second where wrong."""
    return torch.tensor([[num_right, num_wrong, 0], [0, 10, 0], [0, 0, 0]])


def test_iou__is_the_intersection_over_the_union():
    assert iou(counts(6, 4)).tolist() == pytest.approx([6 / 10, 10 / 14])
    assert iou(torch.zeros(3, 3)).isnan().all()


def test_judge_by_labels__says_what_is_better_on_all_draws_and_which_class_lost():
    poor, good = (torch.stack([counts(right, 10 - right)] * 5) for right in (5, 9))
    verdict = judge_by_labels(poor, good, ['road', 'sky'])
    assert verdict.answer == 'paid' and verdict.take_adapted
    # (5/10 + 10/15) / 2 and (9/10 + 10/11) / 2
    assert 'mIoU 58.3% source-only, 90.5% adapted, on 5 labelled images, few' in verdict.reason
    assert 'no class lost' in verdict.reason
    verdict = judge_by_labels(good, poor, ['road', 'sky'])
    assert verdict.answer == 'did not pay' and not verdict.take_adapted
    assert 'points of IoU: road -40.0, sky -24.2' in verdict.reason


def test_judge_by_labels__images_that_disagree_can_not_tell_and_the_better_is_taken():
    better, worse = counts(9, 1), counts(5, 5)
    source = torch.stack([worse, better, better, worse])
    adapted = torch.stack([better, worse, better, better])
    verdict = judge_by_labels(source, adapted, ['road', 'sky'])
    assert verdict.answer == "can't tell" and verdict.take_adapted
    assert not judge_by_labels(adapted, source, ['road', 'sky']).take_adapted


def test_judge_by_labels__networks_that_are_alike_can_not_be_told_apart():
    same = torch.stack([counts(9, 1), counts(5, 5), counts(7, 3), counts(6, 4)])
    verdict = judge_by_labels(same, same, ['road', 'sky'])
    assert verdict.answer == "can't tell" and 'better in 50% of draws' in verdict.reason


def test_judge_by_labels__two_images_tell_nothing():
    poor, good = (torch.stack([counts(right, 10 - right)] * 2) for right in (5, 9))
    verdict = judge_by_labels(poor, good, ['road', 'sky'])
    assert verdict.answer == "can't tell" and 'too few to tell anything' in verdict.reason
