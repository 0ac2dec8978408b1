"""Test a trained network: predictions, a table per class, mIoU, Dice or F-score.

python tools/test.py WORK_DIR                 its config and its newest checkpoint
python tools/test.py CONFIG CHECKPOINT
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config, match_classes, predict
from mmseg.apis.calibration import (
    calibration_table,
    draw_calibration,
    measure_calibration,
    summary_line,
)
from mmseg.apis.loader import DeviceLoader, build_test_loader
from mmseg.apis.plugins import add_plugins_option
from mmseg.apis.test import write_prediction
from mmseg.apis.work_dir import find_run
from mmseg.core.building import accepted_keywords
from mmseg.core.checkpoint import Branch
from mmseg.core.evaluation import metric_names
from mmseg.core.evaluation.percent import NOTHING_LABELLED, metrics_table
from mmseg.datasets import build_dataset, means_for_source
from mmseg.speed.heap import keep_freed_memory
from mmseg.utils.atomic import atomic_path
from mmseg.utils.background import Background
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('run', help='a work dir, or a config')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint, where a config is given')
    parser.add_argument(
        '--out', '--work-dir', help="where predictions go [preds/ in the checkpoint's folder]"
    )
    parser.add_argument('--ema', '--teacher', action='store_true', help='test the teacher')
    parser.add_argument(
        '--format-only', action='store_true', help='write label ids for a benchmark server only'
    )
    parser.add_argument(
        '--test-set', action='store_true', help="the benchmark's test images in place of val"
    )
    parser.add_argument(
        '--eval', nargs='+', metavar='METRIC', help='mIoU, mDice, mFscore, or several [mIoU]'
    )
    parser.add_argument(
        '--calibration', action='store_true', help='measure how well probabilities can be believed'
    )
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    parser.add_argument('--amp', choices=('bf16', 'fp16'), help='type of the network [float32]')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def locate(args: argparse.Namespace) -> tuple[Path, Path]:
    """Return the config and the checkpoint that are meant."""
    if args.checkpoint is not None:
        return Path(args.run), Path(args.checkpoint)
    if Path(args.run).is_file():
        raise UserError(f'give a checkpoint after the config {args.run}, or a work dir alone')
    return find_run(args.run)


def benchmark_images(dataset: Any) -> Any:
    """Return a validation set's config changed to the images whose labels nobody else has."""
    if not isinstance(dataset, Mapping) or not isinstance(dataset.get('img_dir'), str):
        raise UserError('--test-set: expected a data.test of one folder, not of several joined')
    folders = ['test' if folder == 'val' else folder for folder in dataset['img_dir'].split('/')]
    part = {'part': 'test'} if dataset.get('part') == 'val' else {}
    if 'test' not in (*folders, *part.values()):
        raise UserError(
            f"--test-set: expected a folder or part 'val' to go over to 'test', got {dict(dataset)}"
        )
    return {**dataset, **part, 'img_dir': '/'.join(folders), 'ann_dir': None}


def metrics_asked_for(args: argparse.Namespace, dataset: Any) -> list[str]:
    """Return the metrics to measure; none for images without labels.

    Raises:
        UserError: One is not known, or they are asked for where there are no labels.
    """
    names = metric_names(args.eval or 'mIoU')
    if dataset.has_labels and not args.format_only:
        return names
    if args.eval:
        reason = '--format-only' if args.format_only else 'ann_dir is not set'
        raise UserError(
            f'--eval {" ".join(args.eval)}: the images below {dataset.img_dir} are tested without '
            f'labels ({reason})'
        )
    return []


def evaluate(
    results: Sequence[Any], dataset: Any, metrics: Sequence[str], header: str, folder: Path
) -> None:
    """Print the table of results and keep it in `pre_log.out`."""
    scores = dataset.evaluate(results, metric=metrics)
    told = f'nothing could be evaluated: {NOTHING_LABELLED}\n' * math.isnan(scores['aAcc'])
    if any(f'm{kind}' in scores for kind in ('Dice', 'Fscore')):
        told += 'all figures count the pixels of all images together: no per-image means\n'
    report = f'{header}\n\n{metrics_table(scores)}\n{told}'
    with atomic_path(folder / 'pre_log.out') as temporary:
        temporary.write_text(report, encoding='utf-8', errors='backslashreplace')
    print(report)


def evaluate_calibration(model: Any, loader: DeviceLoader, folder: Path) -> None:
    """Print how well probabilities tell how often predictions are right, and keep it."""
    found = measure_calibration(model, loader)
    report = f'{summary_line(found)}\n\n{calibration_table(found, model.CLASSES)}\n'
    with atomic_path(folder / 'calibration.out') as temporary:
        temporary.write_text(report, encoding='utf-8', errors='backslashreplace')
    draw_calibration(found, folder / 'calibration.png')
    print(report)


def main() -> None:
    """Test."""
    args = parse_args()
    device = choose_device(args.gpu)
    if device.type == 'cpu':
        keep_freed_memory()
    config, checkpoint = locate(args)
    branch: Branch = 'ema_model' if args.ema else 'model'
    folder = Path(args.out or checkpoint.parent / ('preds_teacher' if args.ema else 'preds'))
    cfg = load_config(config, args.options, args.plugins)
    means = means_for_source(cfg.data.get('train'))
    images = benchmark_images(cfg.data.test) if args.test_set else cfg.data.test
    dataset = build_dataset(images, {'test_mode': True, 'extra_means': means})
    metrics = metrics_asked_for(args, dataset)
    if args.calibration and not metrics:
        raise UserError('--calibration: the images are tested without labels')
    model = init_segmentor(cfg, checkpoint, device, branch, args.trust_checkpoint)
    match_classes(model, dataset)

    loader = build_test_loader(dataset, cfg, device, False if args.format_only else None)
    results: list[Any] = []
    formats_singly = 'indices' in (accepted_keywords(dataset.format_results) or ())
    with Background() as background:
        for prediction in predict(model, loader, amp=args.amp):
            labels, index = prediction.labels, prediction.index
            if args.format_only and formats_singly:
                write = partial(dataset.format_results, indices=[index])
                background.submit(write, [labels], folder)
                continue
            if args.format_only:
                results.append(labels)
                continue
            background.submit(write_prediction, labels, prediction.meta, model.PALETTE, folder)
            if prediction.confusion is not None:
                results.append(labels if dataset.evaluates_maps else prediction.confusion)
    if args.format_only and results:
        dataset.format_results(results, str(folder))
    elif results:
        network = 'teacher' if args.ema else 'student'
        images = f'{len(dataset)} images of {dataset.img_dir}'
        header = f'network:    {network}\ncheckpoint: {checkpoint}\ntested on:  {images}'
        evaluate(results, dataset, metrics, header, folder)
        if args.calibration:
            evaluate_calibration(model, loader, folder)
    elif not args.format_only:
        print(f'nothing was evaluated: the images below {dataset.img_dir} are without labels')
    print(f'predictions in {folder}')


if __name__ == '__main__':
    run_cli(main)
