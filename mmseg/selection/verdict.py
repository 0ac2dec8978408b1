"""Whether adapting to a target was worth it.

Legend: N images, C classes.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch

from mmseg.core.evaluation.metrics import areas_of

from .ranking import FAMILIES, Scores

Answer = Literal['paid', 'did not pay', "can't tell"]
# Scores that differ by less say nothing.
_ALIKE = 0.01
_NUM_RESAMPLES, _SURE = 1000, 0.9
_FEWEST, _FEW = 4, 20
# Points of IoU by which a class has lost.
_LOST = 0.01


class Verdict(NamedTuple):
    """Whether it paid.

    Attributes:
        answer: 'paid', 'did not pay' or "can't tell".
        reason: A sentence.
        take_adapted: Whether the adapted network is the one to take, rather than source-only's.
    """

    answer: Answer
    reason: str
    take_adapted: bool


def judge_by_scores(
    source: Scores, adapted: Scores, source_wrong: str | None, adapted_wrong: str | None
) -> Verdict:
    """Compare two networks by scores that need no labels.

    Consistency and clusters have a voice each. Certainty is what self-training teaches, right or
    wrong: that it rose says nothing, but that it fell is a voice against.

    Args:
        source: Scores of the network that has seen the source alone.
        adapted: Scores of the adapted one.
        source_wrong: What is wrong with the first one's predictions, if they have collapsed.
        adapted_wrong: Likewise of the second.
    """
    if adapted_wrong and not source_wrong:
        return Verdict('did not pay', f'its predictions have collapsed: {adapted_wrong}', False)
    if adapted_wrong and source_wrong:
        reason = f'the predictions of both have collapsed ({adapted_wrong}): train for longer'
        return Verdict("can't tell", reason, True)
    voices = {family: voice_of(family, source, adapted) for family in FAMILIES}
    told = ', '.join(f'{family} {_SAID[voice]}' for family, voice in voices.items())
    better = [f for f, voice in voices.items() if voice > 0 and f != 'certainty']
    worse = [f for f, voice in voices.items() if voice < 0]
    if source_wrong and better:
        reason = f'the predictions of source-only have collapsed ({source_wrong}); {told}'
        return Verdict('paid', reason, True)
    if len(better) == 2:
        return Verdict('paid', told, True)
    if len(worse) >= 2:
        return Verdict('did not pay', told, False)
    return Verdict("can't tell", told, True)


_SAID = {1: 'for it', -1: 'against it', 0: 'undecided'}


def voice_of(family: str, source: Scores, adapted: Scores) -> int:
    """Return 1 where a family of scores prefers the adapted network, -1 the other, 0 neither.

    >>> voice_of('consistency', {'mixtures': 0.5}, {'mixtures': 0.6})
    1
    """
    differences = [
        adapted[name] - source[name]
        for name in FAMILIES[family]
        if name in source and name in adapted
    ]
    signs = {(d > _ALIKE) - (d < -_ALIKE) for d in differences} - {0}
    return signs.pop() if len(signs) == 1 else 0


def judge_by_labels(
    source: torch.Tensor, adapted: torch.Tensor, classes: Sequence[str], seed: int = 0
) -> Verdict:
    """Compare two networks by what they predict of labelled images.

    Images are drawn anew, with repetition, a thousand times: a network is better where it has the
    higher mIoU in nine draws of ten.

    Args:
        source: Pixels (N, C + 1, C + 1) of each true and predicted class, image by image, of the
            network that has seen the source alone.
        adapted: Likewise of the adapted one.
        classes: Names (C).
        seed: Of the draws.
    """
    ious = {name: iou(counts.sum(0)) for name, counts in (('s', source), ('a', adapted))}
    before, after = (float(ious[name].nanmean()) for name in ('s', 'a'))
    num_images = len(source)
    lost = {
        name: float(difference)
        for name, difference in zip(classes, ious['a'] - ious['s'], strict=True)
        if difference < -_LOST
    }
    told = (
        f'mIoU {before:.1%} source-only, {after:.1%} adapted, on {num_images} labelled images'
        + _word_on(num_images)
        + _word_on_losses(lost)
    )
    if num_images < _FEWEST:
        return Verdict("can't tell", told, after >= before)
    share = _share_of_draws(source, adapted, seed)
    told += f'; better in {share:.0%} of draws of such images'
    if share >= _SURE:
        return Verdict('paid', told, True)
    if share <= 1 - _SURE:
        return Verdict('did not pay', told, False)
    return Verdict("can't tell", told, after >= before)


def iou(counts: torch.Tensor) -> torch.Tensor:
    """Return the IoU (…, C) of each class in [0, 1], NaN for one that is nowhere.

    Args:
        counts: Pixels (…, C + 1, C + 1) of each true and predicted class.
    """
    intersect, union, *_ = areas_of(counts.double())
    return intersect / union


def _share_of_draws(source: torch.Tensor, adapted: torch.Tensor, seed: int) -> float:
    """Return in which share of draws of images the adapted network is better; a tie is half."""
    generator = torch.Generator().manual_seed(seed)
    number = len(source)
    drawn = torch.randint(number, (_NUM_RESAMPLES, number), generator=generator)
    times = torch.zeros(_NUM_RESAMPLES, number, dtype=torch.double)
    times.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.double))
    before, after = (
        iou(torch.einsum('rn,nij->rij', times, counts.double())).nanmean(-1)
        for counts in (source, adapted)
    )
    return float(((after > before).double() + (after == before).double() / 2).mean())


def _word_on(num_images: int) -> str:
    if num_images < _FEWEST:
        return ', too few to tell anything'
    return ', few: a hint rather than a measurement' if num_images < _FEW else ''


def _word_on_losses(lost: Mapping[str, float]) -> str:
    if not lost:
        return '; no class lost'
    named = ', '.join(f'{name} {100 * by:.1f}' for name, by in sorted(lost.items(), key=_second))
    return f'; classes that lost, in points of IoU: {named}'


def _second(pair: tuple[str, float]) -> float:
    return pair[1]
