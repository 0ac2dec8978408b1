"""List the images of the target that most need a label.

python tools/suggest_labels.py WORK_DIR --number 16 [--out few.txt]

The run's teacher looks at all images that it adapts to; those that it is unsure of and that are
unlike each other are listed, the most needed first. Label them, and train anew with
`data.train.target_labelled=dict(ann_dir=…, split='few.txt')`.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.core.checkpoint import LATEST
from mmseg.selection.suggestions import describe, suggest
from mmseg.selection.targets import image_at, padded_to_fit, target_dataset
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError
from mmseg.utils.progress import track


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dir', type=Path, help='of a run that adapts to the target')
    parser.add_argument('--number', type=int, default=16, help='of images to label [16]')
    parser.add_argument(
        '--random', type=int, metavar='SEED', help='draw them instead, to compare with'
    )
    parser.add_argument('--out', type=Path, help='split file to write [printed]')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    return parser.parse_args()


def most_needed(
    args: argparse.Namespace, cfg: Any, dataset: Any, device: torch.device
) -> list[int]:
    """Return the indices of the images that most need a label."""
    model = init_segmentor(cfg, args.work_dir / LATEST, device, 'ema_model')
    if model.decode_head.embed_channels is None:
        raise UserError(f'{type(model.decode_head).__name__} has no embedding to compare images by')
    seen = [
        describe(model, padded_to_fit(model, image_at(dataset, index).to(device)))
        for index in track(range(len(dataset)), 'target images')
    ]
    uncertainty = torch.tensor([each.uncertainty for each in seen])
    return suggest(uncertainty, torch.stack([each.look for each in seen]), args.number)


def main() -> None:
    """Look, choose, list."""
    args = parse_args()
    cfg, device = load_config(args.work_dir / CONFIG_NAME), choose_device(args.gpu)
    dataset = target_dataset(cfg)
    if not 1 <= args.number <= len(dataset):
        raise UserError(f'--number: expected 1 to {len(dataset)} images, got {args.number}')
    if args.random is None:
        chosen = most_needed(args, cfg, dataset, device)
    else:
        drawn = np.random.default_rng(args.random).permutation(len(dataset))
        chosen = drawn[: args.number].tolist()
    names = [dataset.img_infos[index]['filename'] for index in chosen]
    lines = ''.join(f'{name}\n' for name in names)
    if args.out is None:
        print(lines, end='')
        return
    with atomic_path(args.out) as path:
        path.write_text(lines, encoding='utf-8')
    print(f'{args.number} of {len(dataset)} images: {args.out}')


if __name__ == '__main__':
    run_cli(main)
