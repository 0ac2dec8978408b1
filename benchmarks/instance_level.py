"""What the instance level costs: time and peak memory of a training step with and without it.

python benchmarks/instance_level.py [--model daformer_sepaspp_mitb0] [--size 512] [--entries 300]

Each setting runs in a process of its own on random images; the settings take turns.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from mmseg.apis.config import Config
from mmseg.models import build_train_model
from mmseg.utils.environment import choose_device, peak_memory_gb

ROOT = Path(__file__).resolve().parents[1]
NORM = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--model', default='daformer_sepaspp_mitb0', help='of _base_/models')
    parser.add_argument('--size', type=int, default=512, help='side of the crop [512]')
    parser.add_argument('--batch', type=int, default=2, help='images of each domain [2]')
    parser.add_argument('--entries', type=int, default=300, help='bank entries [300]')
    parser.add_argument('--steps', type=int, default=3, help='steps timed in a process [3]')
    parser.add_argument('--rounds', type=int, default=2, help='processes of each setting [2]')
    parser.add_argument('--only', choices=('on', 'off'), help='measure in this process')
    return parser.parse_args()


def build(args: argparse.Namespace, instance: bool) -> Any:
    """Build the adapted network of the paper's config, its bank full."""
    cfg = Config.fromfile(ROOT / f'configs/_base_/models/{args.model}.py')
    cfg.model.pretrained = None
    cfg.uda = Config.fromfile(ROOT / 'configs/_base_/uda/dida.py').uda
    cfg.uda.imnet_feature_dist_lambda = 0
    cfg.uda.instance = {'num_entries': args.entries} if instance else None
    model = build_train_model(cfg)
    model.init_weights()
    if instance:
        present = torch.ones(1, model.bank.num_classes, dtype=torch.bool)
        while not model.bank.is_full:
            model.bank.fill_(
                torch.rand(1, model.bank.num_classes, model.bank.features.shape[1]), present
            )
    return model


def draw_batch(args: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Draw images of noise with labels in blocks."""
    size = (args.batch, 3, args.size, args.size)
    blocks = torch.randint(0, 19, (args.batch, 1, args.size // 32, args.size // 32))
    metas = [{'img_norm_cfg': NORM}] * args.batch
    return {
        'img': torch.randn(size, device=device),
        'img_metas': metas,
        'gt_semantic_seg': blocks.repeat_interleave(32, 2).repeat_interleave(32, 3).to(device),
        'target_img': torch.randn(size, device=device),
        'target_img_metas': metas,
    }


def measure(args: argparse.Namespace) -> None:
    """Print the seconds of each step and the peak memory, as JSON."""
    device = choose_device()
    model = build(args, args.only == 'on').to(device).train()
    optimizer = torch.optim.AdamW(model.model.parameters(), lr=6e-5)
    batch = draw_batch(args, device)
    seconds = []
    for _ in range(args.steps + 1):
        start = time.perf_counter()
        model.train_step(batch, optimizer)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({'seconds': seconds[1:], 'gib': peak_memory_gb(device)}))


def main() -> None:
    """Measure both settings in turn and print the ratios."""
    args = parse_args()
    if args.only:
        return measure(args)
    results: dict[str, list[dict[str, Any]]] = {'off': [], 'on': []}
    for _ in range(args.rounds):
        for setting, measured in results.items():
            command = [sys.executable, __file__, *sys.argv[1:], '--only', setting]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            measured.append(json.loads(done.stdout.splitlines()[-1]))
    print(f'{args.model}, {args.batch} images of {args.size}², N = {args.entries}')
    figures = {}
    for setting, measured in results.items():
        seconds = statistics.median(s for run in measured for s in run['seconds'])
        figures[setting] = (seconds, max(run['gib'] for run in measured))
        print(f'instance {setting:>3}: {seconds:8.2f} s/step {figures[setting][1]:8.2f} GiB')
    ratios = [on / off for on, off in zip(figures['on'], figures['off'], strict=True)]
    print('on / off    : {:8.2f} ×      {:8.2f} ×'.format(*ratios))


if __name__ == '__main__':
    main()
