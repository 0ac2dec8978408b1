"""Draw what a config feeds to training, or what it is evaluated on.

python tools/browse_dataset.py CONFIG [--part train] [--num 4] [--out samples.png]
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from mmseg.apis import load_config
from mmseg.apis.plugins import add_plugins_option
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.core.visualization import (
    captioned,
    coloured,
    denormalize,
    grid,
    legend,
    load_picture,
    overlay,
    save_picture,
)
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('--part', choices=('train', 'val', 'test'), default='train')
    parser.add_argument('--num', type=int, default=4, help='how many samples [4]')
    parser.add_argument('--start', type=int, default=0, help='which is the first, from 0 [0]')
    parser.add_argument('--seed', type=int, default=0, help="the run's, for training samples [0]")
    parser.add_argument('--out', default='samples.png', help='the picture [samples.png]')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def training_row(dataset: Any, position: int, seed: int) -> list[np.ndarray]:
    """Draw the sample at a position of a run: image, labels, and the target's image if any."""
    sample = dataset.draw(position, seed)
    row = [captioned(_picture(sample, ''), _name(sample, ''))]
    if 'gt_semantic_seg' in sample:
        labels = sample['gt_semantic_seg'].data[0].numpy()
        row.append(captioned(coloured(labels, dataset.PALETTE), 'labels'))
    if 'target_img' in sample:
        row.append(captioned(_picture(sample, 'target_'), _name(sample, 'target_')))
    return row


def _picture(sample: Mapping[str, Any], prefix: str) -> np.ndarray:
    settings = sample[f'{prefix}img_metas'].data['img_norm_cfg']
    return denormalize(sample[f'{prefix}img'].data.numpy(), **settings)


def _name(sample: Mapping[str, Any], prefix: str) -> str:
    return Path(sample[f'{prefix}img_metas'].data['ori_filename']).name


def evaluation_row(dataset: Any, index: int) -> list[np.ndarray]:
    """Draw an image at its full size, and its labels over it."""
    path = Path(dataset.image_path(index))
    image = load_picture(path)
    row = [captioned(image, path.name)]
    if dataset.has_labels:
        labels = dataset.get_gt_seg_map(index)
        row.append(captioned(overlay(image, labels, dataset.PALETTE), 'labels'))
    return row


def main() -> None:
    """Draw the sheet."""
    args = parse_args()
    cfg = load_config(args.config, args.options, args.plugins)
    if args.num < 1 or args.start < 0:
        raise UserError(f'expected --num from 1 and --start from 0, got {args.num}, {args.start}')
    places = range(args.start, args.start + args.num)
    if args.part == 'train':
        dataset = build_run_dataset(cfg, cfg.data.train)
        rows = [training_row(dataset, position, args.seed) for position in places]
    else:
        dataset = build_run_dataset(cfg, cfg.data[args.part], {'test_mode': True})
        if places[-1] >= len(dataset):
            raise UserError(f'{args.part} holds {len(dataset)} images, not {places[-1] + 1}')
        rows = [evaluation_row(dataset, index) for index in places]
    width = grid(rows[:1]).shape[1] - 8
    save_picture(grid([*rows, [legend(dataset.CLASSES, dataset.PALETTE, width)]]), args.out)
    print(f'samples in {args.out}')


if __name__ == '__main__':
    run_cli(main)
