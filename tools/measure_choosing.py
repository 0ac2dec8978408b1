"""Measure how far scores without target labels can be trusted, on runs whose labels are known.

python tools/measure_choosing.py WORK_DIR… [--num-images 20] [--held-back SPLIT] [--figure FILE]

Labels of data.test are read, for this table alone. What is measured of a run is kept in its work
dir and not measured again. Tables in Markdown follow: how each score ranks the networks within
runs, and between runs on one target, and how many points of mIoU are lost by taking the network
that it likes best. --figure draws the points lost within runs.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import load_config
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.datasets import build_dataset
from mmseg.selection.held_back import SOURCE, mean_iou, measure_on_source
from mmseg.selection.ranking import Candidate, Scores
from mmseg.selection.runs import (
    Measure,
    collapsed_networks,
    keep_scores,
    kept_scores,
    observe_runs,
    score,
)
from mmseg.selection.study import (
    TRUTH,
    groups_within_runs,
    last_networks,
    reliabilities,
    reliability_table,
)
from mmseg.selection.study_figure import draw_regrets
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dirs', nargs='+', type=Path, help='of runs on any targets')
    parser.add_argument('--num-images', type=int, default=20, help='of each target [20]')
    parser.add_argument(
        '--held-back', type=Path, metavar='SPLIT', help='as for choose.py; runs on one source then'
    )
    parser.add_argument('--figure', type=Path, help='picture file, .png or .svg')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    return parser.parse_args()


def measure_run(
    args: argparse.Namespace, work_dir: Path, device: torch.device
) -> tuple[dict[Candidate, Scores], dict[Candidate, str]]:
    """Return the scores of a run's networks with their true mIoU, measured or kept."""
    kept = kept_scores(work_dir)
    if kept is not None and all(TRUTH in values for values in kept[0].values()):
        return kept

    def true_mean_iou(model: Any, cfg: Any) -> float:
        return mean_iou(model, build_dataset(cfg.data.test, {'test_mode': True}), cfg, device)

    measures: dict[str, Measure] = {TRUTH: true_mean_iou}
    if args.held_back is not None:
        measures[SOURCE] = measure_on_source(args.held_back, device)
    observed = observe_runs([work_dir], args.num_images, device, measures)
    table, collapsed = score(observed), collapsed_networks(observed)
    keep_scores(work_dir, table, collapsed)
    return table, collapsed


def target_of(work_dir: Path) -> str:
    """Return what a run is tested on, by the name of its folder."""
    test = load_config(work_dir / CONFIG_NAME).data.test
    return str(test.get('data_root') or test.img_dir)


def show(
    title: str,
    groups: Sequence[Mapping[Candidate, Scores]],
    collapsed: Mapping[Candidate, str],
    between_runs: bool,
) -> None:
    """Print a table."""
    number = sum(map(len, groups))
    print(f'\n### {title}: {len(groups)} groups of {number} networks\n')
    print(reliability_table(reliabilities(groups, collapsed, between_runs)))


def main() -> None:
    """Measure what is missing, and print the tables."""
    args = parse_args()
    device = choose_device(args.gpu)
    targets: dict[str, dict[Candidate, Scores]] = {}
    collapsed: dict[Candidate, str] = {}
    for work_dir in args.work_dirs:
        table, wrong = measure_run(args, work_dir, device)
        targets.setdefault(target_of(work_dir), {}).update(table)
        collapsed |= wrong
    within = [group for table in targets.values() for group in groups_within_runs(table)]
    show('Within runs', within, collapsed, False)
    for target, table in targets.items():
        show(f'Within runs on {target}', groups_within_runs(table), collapsed, False)
    if args.figure is not None:
        draw_regrets(reliabilities(within, collapsed, between_runs=False), args.figure)
    between = [group for group in map(last_networks, targets.values()) if len(group) > 1]
    show('Between runs on one target', between, collapsed, True)


if __name__ == '__main__':
    run_cli(main)
