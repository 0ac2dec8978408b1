"""Which checkpoint of an adaptation to take, and whether it is better than without adaptation."""

from pathlib import Path
from typing import Any, NamedTuple

import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.loader import build_test_loader
from mmseg.apis.test import multi_gpu_test
from mmseg.datasets import build_dataset
from mmseg.selection.ranking import Candidate, Scores, advise
from mmseg.selection.runs import (
    BRANCHES,
    checkpoints_of,
    collapsed_networks,
    keep_scores,
    observe_runs,
    score,
)
from mmseg.selection.targets import MIN_IMAGES, target_dataset
from mmseg.selection.verdict import Verdict, judge_by_labels, judge_by_scores

from .plan import Layout
from .telling import Told

ADAPT, SOURCE_ONLY = 'adapt', 'source_only'


class Judgement(NamedTuple):
    """What was chosen.

    Attributes:
        adapted: Of the networks of the adaptation.
        source: Of those of source-only.
        verdict: Whether the first one is better.
    """

    adapted: Candidate
    source: Candidate
    verdict: Verdict

    @property
    def taken(self) -> Candidate:
        """The network to go on with."""
        return self.adapted if self.verdict.take_adapted else self.source


def judge(
    layout: Layout, num_shown: int, has_labels: bool, device: torch.device, tell: Told
) -> Judgement:
    """Choose a network of each of the two trainings, and compare them.

    Labels, where there are any, take no part in the choice: they only compare.

    Args:
        layout: Where the trainings are.
        num_shown: How many target images the networks are shown.
        has_labels: Whether some target images have labels.
        device: Where networks run.
        tell: Told what was chosen and why.
    """
    cfg = load_config(layout.config(ADAPT))
    num_images = len(target_dataset(cfg))
    if num_images < MIN_IMAGES:
        adapted, source = (_last(layout, name) for name in (ADAPT, SOURCE_ONLY))
        reason = f'{num_images} target images tell too little, {MIN_IMAGES} are needed'
        tell(f'chosen: {adapted}: the last one, because {reason}')
        verdict = Verdict("can't tell", reason, True)
    else:
        adapted, source, verdict = _judge_by_scores(layout, num_shown, device, tell)
    if has_labels:
        if num_images >= MIN_IMAGES:
            tell(f'without labels the answer would be: {verdict.answer} ({verdict.reason})')
        verdict = compare_by_labels(layout, source, adapted, cfg, device)
    return Judgement(adapted, source, verdict)


def compare_by_labels(
    layout: Layout, source: Candidate, adapted: Candidate, cfg: Any, device: torch.device
) -> Verdict:
    """Compare two networks by the labelled images of a config's `data.test`."""
    before, after = (_counts(layout, candidate, cfg, device) for candidate in (source, adapted))
    return judge_by_labels(before, after, cfg.data.test.classes)


def checkpoint_of(layout: Layout, candidate: Candidate) -> Path:
    """Return the file that holds a network."""
    return checkpoints_of(layout.run(candidate.run))[candidate.iteration]


def _judge_by_scores(
    layout: Layout, num_shown: int, device: torch.device, tell: Told
) -> tuple[Candidate, Candidate, Verdict]:
    runs = [layout.run(name) for name in (ADAPT, SOURCE_ONLY)]
    observed = observe_runs(runs, num_shown, device)
    table, collapsed = score(observed), collapsed_networks(observed)
    for run in runs:
        keep_scores(run, table, collapsed)
    adapted, source = (
        _advised(table, collapsed, name, num_shown, tell) for name in (ADAPT, SOURCE_ONLY)
    )
    wrong = (collapsed.get(candidate) for candidate in (source, adapted))
    return adapted, source, judge_by_scores(table[source], table[adapted], *wrong)


def _advised(
    table: dict[Candidate, Scores],
    collapsed: dict[Candidate, str],
    run: str,
    num_shown: int,
    tell: Told,
) -> Candidate:
    of_run = {candidate: scores for candidate, scores in table.items() if candidate.run == run}
    advice = advise(of_run, collapsed)
    tell(
        f'chosen: {advice.candidate}, of {len(of_run)} by {num_shown} target images: '
        f'{advice.reason}'
    )
    return advice.candidate


def _last(layout: Layout, name: str) -> Candidate:
    branch = 'teacher' if name == ADAPT else 'student'
    return Candidate(name, max(checkpoints_of(layout.run(name))), branch)


def _counts(layout: Layout, candidate: Candidate, cfg: Any, device: torch.device) -> torch.Tensor:
    """Count pixels (N, C + 1, C + 1) of each true and predicted class on the labelled images."""
    branch = BRANCHES[candidate.branch]
    model = init_segmentor(cfg, checkpoint_of(layout, candidate), device, branch)
    dataset = build_dataset(cfg.data.test, {'test_mode': True})
    loader = build_test_loader(dataset, cfg, device)
    return torch.stack(multi_gpu_test(model, loader, f'testing {candidate}'))
