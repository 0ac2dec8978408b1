"""Put the predictions of several runs beside the image and its labels, in one picture.

python tools/compare.py WORK_DIR [WORK_DIR …] --images 0 7 --out FILE
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from torch import nn

from mmseg.apis import inference_segmentor, init_segmentor, load_config, match_classes
from mmseg.apis.plugins import add_plugins_option
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.apis.work_dir import find_run
from mmseg.core.visualization import (
    captioned,
    coloured,
    grid,
    legend,
    load_picture,
    overlay,
    save_picture,
)
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runs', nargs='+', metavar='WORK_DIR', help='runs with the same test set')
    parser.add_argument('--images', type=int, nargs='+', default=[0], help='places in it [0]')
    parser.add_argument('--out', default='comparison.png', help='the picture [comparison.png]')
    parser.add_argument('--opacity', type=float, default=0.6, help='of the colours, 0 to 1 [0.6]')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    add_plugins_option(parser)
    return parser.parse_args()


def load_network(
    run: str, dataset: Any, device: Any, plugins: Sequence[str] = ()
) -> tuple[str, nn.Module]:
    """Return the run's method and its network, whose classes must be those of the data set."""
    config, checkpoint = find_run(run)
    cfg = load_config(config, plugins=plugins)
    model = init_segmentor(cfg, checkpoint, device)
    match_classes(model, dataset)
    return cfg.get('name_uda', Path(run).name), model


def main() -> None:
    """Draw the picture."""
    args = parse_args()
    device = choose_device(args.gpu)
    cfg = load_config(find_run(args.runs[0])[0], plugins=args.plugins)
    dataset = build_run_dataset(cfg, cfg.data.test, {'test_mode': True})
    beyond = [index for index in args.images if not 0 <= index < len(dataset)]
    if beyond:
        raise UserError(f'--images: expected 0 to {len(dataset) - 1}, got {beyond[0]}')
    files = [dataset.image_path(index) for index in args.images]
    networks = [load_network(run, dataset, device, args.plugins) for run in args.runs]
    images = [load_picture(file) for file in files]
    columns = [('image', images)]
    for name, network in networks:
        pairs = zip(images, inference_segmentor(network, files), strict=True)
        columns.append((name, [overlay(i, m, dataset.PALETTE, args.opacity) for i, m in pairs]))
    if dataset.has_labels:
        maps = [dataset.get_gt_seg_map(index) for index in args.images]
        columns.append(('labels', [coloured(labels, dataset.PALETTE) for labels in maps]))
    rows = [
        [captioned(pictures[row], name) for name, pictures in columns] for row in range(len(images))
    ]
    width = grid(rows[:1]).shape[1] - 8
    save_picture(grid([*rows, [legend(dataset.CLASSES, dataset.PALETTE, width)]]), args.out)
    print(f'comparison in {args.out}')


if __name__ == '__main__':
    run_cli(main)
