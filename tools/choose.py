"""Choose a checkpoint, or a run, by unlabelled images of the target alone.

python tools/choose.py WORK_DIR [WORK_DIR …] [--num-images 40]

Students and teachers of all checkpoints are shown images that the runs adapted to. What they
predict is scored in several ways (mmseg/selection/scores.py names the papers); a table is printed,
and which network to take. No label of the target is read.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.core.checkpoint import Branch
from mmseg.core.evaluation.class_agreement import check_same_classes
from mmseg.selection.observation import Observation, agreement, observe, scores_of
from mmseg.selection.ranking import STUDENT_AND_TEACHER, Candidate, Scores, advise
from mmseg.selection.scores import vanished_classes
from mmseg.selection.targets import target_images
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError

BRANCHES: Mapping[str, Branch] = {'student': 'model', 'teacher': 'ema_model'}
_TAKES_ALL = 0.95


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dirs', nargs='+', type=Path, help='of runs on one target')
    parser.add_argument('--num-images', type=int, default=40, help='of the target [40]')
    parser.add_argument('--json', type=Path, help='file for all figures')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    return parser.parse_args()


def checkpoints_of(work_dir: Path) -> dict[int, Path]:
    """Return the checkpoints in a work dir by their iterations."""
    found = {
        int(match[1]): path
        for path in work_dir.glob('iter_*.pth')
        if (match := re.fullmatch(r'iter_(\d+)\.pth', path.name))
    }
    return dict(sorted(found.items()))


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
    work_dirs: Iterable[Path], num_images: int, device: torch.device
) -> tuple[dict[Candidate, Observation], list[str]]:
    """Show all students and teachers of the runs the images of the first run's target.

    Returns:
        What each predicts, and the names of the classes.

    Raises:
        UserError: There are not two checkpoints, or the runs differ in their classes.
    """
    every = {work_dir: checkpoints_of(work_dir) for work_dir in work_dirs}
    empty = [str(work_dir) for work_dir, found in every.items() if not found]
    if empty:
        raise UserError(f'no checkpoints iter_*.pth in {", ".join(empty)}')
    if sum(map(len, every.values())) < 2:
        raise UserError(
            'there is one checkpoint alone: keep more of them (checkpoint_config.interval, '
            'max_keep_ckpts), or give several work dirs'
        )
    images: list[torch.Tensor] = []
    found: dict[Candidate, Observation] = {}
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
                print(f'seen: {candidate}', file=sys.stderr, flush=True)
    return found, [*next(iter(names.values()))]


def score(observations: Mapping[Candidate, Observation]) -> dict[Candidate, Scores]:
    """Score each network by itself, and with its student or teacher."""
    table: dict[Candidate, Scores] = {}
    for candidate, observation in observations.items():
        values = scores_of(observation)
        other = 'teacher' if candidate.branch == 'student' else 'student'
        pair = candidate._replace(branch=other)
        if pair in observations:
            values[STUDENT_AND_TEACHER] = agreement(observation, observations[pair])
        table[candidate] = values
    return table


def show(table: Mapping[Candidate, Scores], collapsed: Mapping[Candidate, str]) -> None:
    """Print the scores, a line for each network."""
    names = list(dict.fromkeys(name for values in table.values() for name in values))
    runs = {run: f'run {i + 1}' for i, run in enumerate(dict.fromkeys(c.run for c in table))}
    for run, short in runs.items():
        print(f'{short}: {run}')
    widths = [len(name) + 2 for name in names]
    columns = list(zip(names, widths, strict=True))
    print(f'\n{"":24}' + ''.join(f'{name:>{width}}' for name, width in columns))
    for candidate, values in table.items():
        head = f'{runs[candidate.run]} {candidate.iteration} {candidate.branch}'
        known = [(f'{values[n]:.3f}' if n in values else '-', width) for n, width in columns]
        cells = ''.join(f'{text:>{width}}' for text, width in known)
        print(f'{head:24}{cells}')
        if candidate in collapsed:
            print(f'{"":24}  collapsed: {collapsed[candidate]}')


def main() -> None:
    """Score, show, advise."""
    args = parse_args()
    observations, names = observe_runs(args.work_dirs, args.num_images, choose_device(args.gpu))
    table = score(observations)
    reference = torch.stack([o.shares for o in observations.values()]).amax(0)
    problems = {c: collapse(o, reference, names) for c, o in observations.items()}
    collapsed = {candidate: text for candidate, text in problems.items() if text is not None}
    show(table, collapsed)
    advice = advise(table, collapsed)
    print(f'\ntake {advice.candidate}: {advice.reason}')
    if args.json is not None:
        content = {
            'take': advice._asdict() | {'candidate': advice.candidate._asdict()},
            'scores': [{**c._asdict(), **values} for c, values in table.items()],
            'collapsed': [{**c._asdict(), 'why': text} for c, text in collapsed.items()],
        }
        with atomic_path(args.json) as path:
            path.write_text(json.dumps(content, indent=2, default=list) + '\n')


if __name__ == '__main__':
    run_cli(main)
