"""Let a network's probabilities tell how often it is right, by unlabelled images of the target.

python tools/calibrate.py WORK_DIR [--student] [--out FILE] [--evaluate]

A temperature is fitted to mixtures of target images that the network labels itself (PseudoCal), and
put into the weights of its classifier: the checkpoint that is written gives calibrated
probabilities in tests, demo, web page and ONNX files, and the same classes. --evaluate tells, by
the labels of data.test, what that was good for.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.calibration import measure_calibration, summary_line
from mmseg.apis.loader import build_test_loader
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.core.checkpoint import LATEST, Branch, save_checkpoint
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.evaluation.calibration import Calibration
from mmseg.datasets import build_dataset
from mmseg.selection.calibration import scale_logits, temperature_on_target
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dir', type=Path, help='of a run that adapts to a target')
    parser.add_argument('--checkpoint', type=Path, help='[the latest of the run]')
    parser.add_argument('--student', action='store_true', help='take the student [the teacher]')
    parser.add_argument('--num-images', type=int, default=40, help='of the target [40]')
    parser.add_argument('--out', type=Path, help='[calibrated.pth in the work dir]')
    parser.add_argument('--evaluate', action='store_true', help='measure it by the test labels')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    return parser.parse_args()


def measure(model: Any, cfg: Any, device: torch.device) -> Calibration:
    """Count how often the network is right at which confidence, on data.test."""
    dataset = build_dataset(cfg.data.test, {'test_mode': True})
    if not dataset.has_labels:
        raise UserError('--evaluate needs labels: data.test has none')
    return measure_calibration(model, build_test_loader(dataset, cfg, device))


def main() -> None:
    """Fit, write, and perhaps measure."""
    args = parse_args()
    device = choose_device(args.gpu)
    cfg = load_config(args.work_dir / CONFIG_NAME)
    path = args.checkpoint or args.work_dir / LATEST
    branch: Branch = 'model' if args.student or cfg.get('uda') is None else 'ema_model'
    model = init_segmentor(cfg, path, device, branch)
    temperature, num_images = temperature_on_target(model, cfg, args.num_images)
    print(f'temperature {temperature:.3f}, of {num_images} target images')
    if args.evaluate:
        print(f'as trained: {summary_line(measure(model, cfg, device))}')
    scale_logits(model, 1 / temperature)
    if args.evaluate:
        print(f'calibrated: {summary_line(measure(model, cfg, device))}')
    out = args.out or args.work_dir / 'calibrated.pth'
    meta = read_checkpoint(path).get('meta') or {}
    save_checkpoint(model, out, meta={**meta, 'temperature': temperature}, link_latest=False)
    print(out)


if __name__ == '__main__':
    run_cli(main)
