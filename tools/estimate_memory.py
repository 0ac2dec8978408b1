"""Predict the peak memory of a training step and of a test, without a GPU and without data.

python tools/estimate_memory.py CONFIG [--amp bf16] [--batch 4] [--options KEY=VALUE …]

The step is the one that trains, on tensors that have a shape and no values. Beside what tensors
hold, a GPU needs room for CUDA itself and for gaps between tensors; both are assumed, not measured.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.memory_estimate import estimate, needed_on_gpu
from mmseg.apis import load_config
from mmseg.apis.plugins import add_plugins_option
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

# Sizes of cards that are sold, in GiB.
CARDS = (8, 10, 11, 12, 16, 24, 32, 40, 48, 80)
_GIB = 1 << 30
_LINE = '  {:<18}{:>8.2f}'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('--amp', choices=('bf16', 'fp16'), help="[the config's]")
    parser.add_argument('--batch', type=int, help="training images of each domain [the config's]")
    parser.add_argument(
        '--crop', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'), help="[the config's]"
    )
    parser.add_argument(
        '--picture',
        type=int,
        nargs=2,
        default=(1024, 2048),
        metavar=('HEIGHT', 'WIDTH'),
        help='of test images [1024 2048]',
    )
    parser.add_argument('--device', choices=('cuda', 'cpu'), default='cuda', help='[cuda]')
    parser.add_argument('--json', help='file for the bytes of each part')
    parser.add_argument('--options', nargs='+', default=[], metavar='KEY=VALUE')
    add_plugins_option(parser)
    return parser.parse_args()


def table(peaks: Mapping[str, Mapping[str, int]], device: str) -> str:
    """Return the parts of each peak as lines, in GiB, and for a GPU the cards that have room."""
    lines = []
    for what, parts in peaks.items():
        lines.append(f'{what}: GiB at the peak')
        by_size = sorted(parts.items(), key=lambda item: -item[1])
        lines += [_LINE.format(part, size / _GIB) for part, size in by_size]
        lines.append(_LINE.format('all', sum(parts.values()) / _GIB))
        if device == 'cuda':
            needed = needed_on_gpu(parts) / _GIB
            enough = next((f'a card of {size} GiB' for size in CARDS if size >= needed), 'no card')
            lines.append(_LINE.format('of a card', needed) + f', for which {enough} suffices')
    return '\n'.join([*lines, 'predicted, not measured'])


def main() -> None:
    """Print what training and testing take."""
    args = parse_args()
    sizes = {'--batch': [args.batch], '--crop': args.crop, '--picture': args.picture}
    for name, numbers in sizes.items():
        for number in numbers or []:
            if number is not None and number < 1:
                raise UserError(f'{name}: expected numbers from 1 on, got {number}')
    cfg = load_config(args.config, args.options, args.plugins)
    if args.amp is not None:
        cfg.amp = args.amp
    if args.batch is not None:
        cfg.data.samples_per_gpu = args.batch
    peaks = estimate(cfg, args.device, args.picture, args.crop)
    print(table(peaks, args.device))
    if args.json:
        Path(args.json).write_text(json.dumps(peaks, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    run_cli(main)
