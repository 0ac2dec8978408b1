"""The networks of runs, shown unlabelled images and scored."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.core.checkpoint import Branch
from mmseg.core.checkpoint_reading import iteration_of
from mmseg.core.evaluation.class_agreement import check_same_classes
from mmseg.core.run_files import CHOOSING
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError

from .observation import Observation, agreement, observe, scores_of
from .ranking import STUDENT_AND_TEACHER, Candidate, Scores
from .scores import vanished_classes
from .targets import target_images

BRANCHES: Mapping[str, Branch] = {'student': 'model', 'teacher': 'ema_model'}
_TAKES_ALL = 0.95
# What else is measured of a network, by it and the config of its run.
Measure = Callable[[Any, Any], float]


class Observed(NamedTuple):
    """What networks predict.

    Attributes:
        observations: Of unlabelled images.
        measured: What else was measured of each, by name.
        classes: Names of the classes.
    """

    observations: dict[Candidate, Observation]
    measured: dict[Candidate, dict[str, float]]
    classes: list[str]


def checkpoints_of(work_dir: Path) -> dict[int, Path]:
    """Return the checkpoints in a work dir by their iterations.

    Raises:
        UserError: There is none.
    """
    # Not the best by the validation labels, which may lie beside them.
    numbered = ((iteration_of(path), path) for path in work_dir.glob('iter_*.pth'))
    found = {number: path for number, path in numbered if number}
    if not found:
        raise UserError(f'no checkpoints iter_*.pth in {work_dir}')
    return dict(sorted(found.items()))


def require_choice(work_dirs: Iterable[Path]) -> None:
    """Refuse runs that leave nothing to choose.

    Raises:
        UserError: There are not two checkpoints.
    """
    if sum(len(checkpoints_of(work_dir)) for work_dir in work_dirs) < 2:
        raise UserError(
            'there is one checkpoint alone: keep more of them (checkpoint_config.interval, '
            'max_keep_ckpts), or give several work dirs'
        )


def collapse(observation: Observation, reference: torch.Tensor, names: Sequence[str]) -> str | None:
    """Say what is wrong with predictions that have collapsed; None where nothing is."""
    largest = float(observation.shares.max())
    if largest > _TAKES_ALL:
        return f'{names[int(observation.shares.argmax())]} takes {largest:.0%} of all pixels'
    gone = vanished_classes(observation.shares, reference)
    if gone:
        return f'{", ".join(names[c] for c in gone)} vanished from the predictions'
    return None


def observe_runs(
    work_dirs: Iterable[Path],
    num_images: int,
    device: torch.device,
    measures: Mapping[str, Measure] | None = None,
) -> Observed:
    """Show all students and teachers of the runs the images of the first run's target.

    Args:
        work_dirs: Of the runs, all on one target.
        num_images: How many images are shown.
        device: Where networks run.
        measures: What else to measure of each network, by name.

    Raises:
        UserError: A run has no checkpoint, or they differ in their classes.
    """
    every = {work_dir: checkpoints_of(work_dir) for work_dir in work_dirs}
    images: list[torch.Tensor] = []
    found: dict[Candidate, Observation] = {}
    measured: dict[Candidate, dict[str, float]] = {}
    names: dict[str, Sequence[str]] = {}
    for work_dir, checkpoints in every.items():
        cfg = load_config(work_dir / CONFIG_NAME)
        images = images or [image.to(device) for image in target_images(cfg, num_images)]
        for iteration, path in checkpoints.items():
            for name, branch in BRANCHES.items():
                if name == 'teacher' and cfg.get('uda') is None:
                    continue
                model = init_segmentor(cfg, path, device, branch)
                names.setdefault(str(work_dir), model.CLASSES)
                check_same_classes(names)
                candidate = Candidate(work_dir.name, iteration, name)
                found[candidate] = observe(model, images)
                measured[candidate] = {
                    what: measure(model, cfg) for what, measure in (measures or {}).items()
                }
                print(f'seen: {candidate}', file=sys.stderr, flush=True)
    return Observed(found, measured, [*next(iter(names.values()))])


def score(observed: Observed) -> dict[Candidate, Scores]:
    """Score each network by itself, with its student or teacher, and by what was measured."""
    table: dict[Candidate, Scores] = {}
    for candidate, observation in observed.observations.items():
        values = scores_of(observation)
        other = 'teacher' if candidate.branch == 'student' else 'student'
        pair = candidate._replace(branch=other)
        if pair in observed.observations:
            values[STUDENT_AND_TEACHER] = agreement(observation, observed.observations[pair])
        table[candidate] = values | observed.measured[candidate]
    return table


def collapsed_networks(observed: Observed) -> dict[Candidate, str]:
    """Return what is wrong with the networks whose predictions have collapsed."""
    shares = [observation.shares for observation in observed.observations.values()]
    reference = torch.stack(shares).amax(0)
    problems = {
        candidate: collapse(observation, reference, observed.classes)
        for candidate, observation in observed.observations.items()
    }
    return {candidate: text for candidate, text in problems.items() if text is not None}


def keep_scores(
    work_dir: Path, table: Mapping[Candidate, Scores], collapsed: Mapping[Candidate, str]
) -> None:
    """Keep the scores of a run's networks in its work dir, for its report."""
    networks = [
        {
            'iteration': c.iteration,
            'branch': c.branch,
            'scores': dict(values),
            'collapsed': collapsed.get(c),
        }
        for c, values in table.items()
        if c.run == work_dir.name
    ]
    with atomic_path(work_dir / CHOOSING) as path:
        path.write_text(json.dumps({'networks': networks}, indent=1) + '\n', encoding='utf-8')


def kept_scores(work_dir: Path) -> tuple[dict[Candidate, Scores], dict[Candidate, str]] | None:
    """Return what `keep_scores` kept of a run; None where it kept nothing."""
    path = work_dir / CHOOSING
    if not path.is_file():
        return None
    networks = {
        Candidate(work_dir.name, network['iteration'], network['branch']): network
        for network in json.loads(path.read_text(encoding='utf-8'))['networks']
    }
    collapsed = {c: network['collapsed'] for c, network in networks.items() if network['collapsed']}
    return {c: network['scores'] for c, network in networks.items()}, collapsed
