"""Choose a checkpoint, or a run, by unlabelled images of the target alone.

python tools/choose.py WORK_DIR [WORK_DIR …] [--num-images 40]

Students and teachers of all checkpoints are shown images that the runs adapted to. What they
predict is scored in several ways (mmseg/selection/scores.py names the papers); a table is printed,
and which network to take. No label of the target is read. The scores are kept in the work dirs:
`python tools/report.py WORK_DIR` shows them.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.selection.held_back import SOURCE, measure_on_source
from mmseg.selection.ranking import Candidate, Scores, advise
from mmseg.selection.runs import (
    collapsed_networks,
    keep_scores,
    observe_runs,
    require_choice,
    score,
)
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dirs', nargs='+', type=Path, help='of runs on one target')
    parser.add_argument('--num-images', type=int, default=40, help='of the target [40]')
    parser.add_argument(
        '--held-back',
        type=Path,
        metavar='SPLIT',
        help='list of labelled source images that no run trained on, to be scored on too',
    )
    parser.add_argument('--json', type=Path, help='file for all figures')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    return parser.parse_args()


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
    require_choice(args.work_dirs)
    device = choose_device(args.gpu)
    measures = {} if args.held_back is None else {SOURCE: measure_on_source(args.held_back, device)}
    observed = observe_runs(args.work_dirs, args.num_images, device, measures)
    table, collapsed = score(observed), collapsed_networks(observed)
    for work_dir in args.work_dirs:
        keep_scores(work_dir, table, collapsed)
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
