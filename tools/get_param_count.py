"""Count the parameters and the operations of networks, part by part.

python tools/get_param_count.py CONFIG [CONFIG …] [--shape HEIGHT WIDTH]
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmseg.apis import load_config
from mmseg.apis.plugins import add_plugins_option
from mmseg.models import build_segmentor
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

PARTS = ('backbone', 'neck', 'decode_head')
_LINE = '{:<16}{:>16}{:>12}'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='.py or .json configs')
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        default=(512, 512),
        metavar=('HEIGHT', 'WIDTH'),
        help='of the image in pixels [512 512]',
    )
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the configs'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def count(model_cfg: Mapping[str, Any], shape: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Count what a network holds and does for one image, without doing it.

    Args:
        model_cfg: The `model` part of a config.
        shape: Height and width of the image in pixels.

    Returns:
        Part → parameters that learn, and floating point operations, a multiplication and an
        addition being two; 'all' is the network. Auxiliary heads do nothing outside training.
    """
    # On this device tensors have a shape and no values.
    with torch.device('meta'):
        network = build_segmentor({**model_cfg, 'pretrained': None}).eval()
        image = torch.empty(1, 3, *shape)
    counts, passed = {}, image
    for name in PARTS:
        part = getattr(network, name, None)
        if part is not None:
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                passed = part(passed)
            counts[name] = (_num_learning(part), counter.get_total_flops())
    auxiliary = network.auxiliary_head
    if auxiliary is not None:
        counts['auxiliary_head'] = (_num_learning(auxiliary), 0)
    return {**counts, 'all': (_num_learning(network), sum(n for _, n in counts.values()))}


def _num_learning(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def table(counts: Mapping[str, tuple[int, int]]) -> str:
    """Return the counts as lines: millions of parameters, 10⁹ operations."""
    lines = [_LINE.format('part', 'parameters (M)', 'GFLOPs')]
    for part, (parameters, operations) in counts.items():
        lines.append(_LINE.format(part, f'{parameters / 1e6:.2f}', f'{operations / 1e9:.2f}'))
    return '\n'.join(lines)


def main() -> None:
    """Print a table for each config."""
    args = parse_args()
    if min(args.shape) < 1:
        raise UserError(f'--shape: expected sizes from 1 on, got {args.shape[0]} {args.shape[1]}')
    for config in args.configs:
        cfg = load_config(config, args.options, args.plugins)
        print(f'{config}, one image of {args.shape[0]}×{args.shape[1]}')
        print(table(count(cfg.model, tuple(args.shape))), end='\n\n')


if __name__ == '__main__':
    run_cli(main)
