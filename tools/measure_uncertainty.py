"""Measure how well each map of uncertainty finds a network's errors, by the labels of data.test.

python tools/measure_uncertainty.py WORK_DIR… [--student]

The area under the ROC curve (AUROC) of each map: how often a wrong pixel is more uncertain than a
right one; 50 % says nothing. Of the instance level the similarity that maps take is measured, and
the one that the run trained with.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.inference import SecondOpinions, decide_with_uncertainty, second_opinions
from mmseg.apis.inference.uncertainty import LEVELS
from mmseg.apis.loader import build_test_loader
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.core.checkpoint import LATEST, Branch
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.evaluation.uncertainty import ErrorDetection
from mmseg.datasets import build_dataset
from mmseg.models.uda.instance_segmentor import InstanceSegmentor
from mmseg.ops import Similarity
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device

AS_TRAINED = f'{LEVELS}, as trained'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dirs', nargs='+', type=Path, help='of runs')
    parser.add_argument('--student', action='store_true', help='take the student [the teacher]')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    return parser.parse_args()


def measure(work_dir: Path, branch: Branch, device: torch.device) -> dict[str, float]:
    """Return the AUROC of each map of a run's network on its test images."""
    cfg, path = load_config(work_dir / CONFIG_NAME), work_dir / LATEST
    model = init_segmentor(cfg, path, device, branch)
    opinions = second_opinions(model, path, branch)
    as_trained = None
    if opinions.instances is not None:
        settings = cfg.uda.instance
        form = Similarity(settings.get('form', 'sum'), settings.get('temperature', 1.0))
        features, labels = opinions.instances.features, opinions.instances.labels
        as_trained = InstanceSegmentor(model, features, labels, form).to(device).eval()
    found: dict[str, ErrorDetection] = {}
    dataset = build_dataset(cfg.data.test, {'test_mode': True})
    for batch in build_test_loader(dataset, cfg, device):
        decision, maps = decide_with_uncertainty(model, opinions, batch)
        if as_trained is not None:
            other = decide_with_uncertainty(model, SecondOpinions(instances=as_trained), batch)
            maps[AS_TRAINED] = other[1][LEVELS]
        labelled = batch['labels'] != IGNORE_INDEX
        wrong = decision.labels != batch['labels']
        for kind, values in maps.items():
            found.setdefault(kind, ErrorDetection()).add(values[labelled], wrong[labelled])
    return {kind: detection.auroc for kind, detection in found.items()}


def main() -> None:
    """Print a line in Markdown for each run."""
    args = parse_args()
    branch: Branch = 'model' if args.student else 'ema_model'
    device = choose_device(args.gpu)
    rows = {path.name: measure(path, branch, device) for path in args.work_dirs}
    kinds = list(dict.fromkeys(kind for row in rows.values() for kind in row))
    print('| run | ' + ' | '.join(kinds) + ' |')
    print('| --- |' + ' --- |' * len(kinds))
    for name, row in rows.items():
        cells = (f'{row[kind]:.1%}' if kind in row else '' for kind in kinds)
        print(f'| {name} | ' + ' | '.join(cells) + ' |')


if __name__ == '__main__':
    run_cli(main)
