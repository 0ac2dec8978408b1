"""Segment an image: an overlay and a colour map.

python tools/demo.py CONFIG CHECKPOINT [IMAGE] [--out-dir DIR]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import inference_segmentor, init_segmentor, load_config
from mmseg.core.visualization import colorize, legend, load_picture, overlay, save_picture
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device

DEFAULT_IMAGE = Path(__file__).resolve().parents[1] / 'demo' / 'demo.png'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('checkpoint', help='checkpoint of its network')
    parser.add_argument('image', nargs='?', default=DEFAULT_IMAGE, help='image of any size')
    parser.add_argument('--out-dir', default='demo_out', help='folder for the pictures [demo_out]')
    parser.add_argument('--ema', '--teacher', action='store_true', help='use the teacher')
    parser.add_argument('--opacity', type=float, default=0.5, help='of the colours, 0 to 1 [0.5]')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    return parser.parse_args()


def main() -> None:
    """Segment one image."""
    args = parse_args()
    device = choose_device(args.gpu)
    image = load_picture(args.image)
    cfg = load_config(args.config, args.options)
    branch = 'ema_model' if args.ema else 'model'
    model = init_segmentor(cfg, args.checkpoint, device, branch, args.trust_checkpoint)
    (labels,) = inference_segmentor(model, str(args.image))

    stem = Path(args.out_dir) / Path(args.image).stem
    pictures = {
        'overlay': overlay(image, labels, model.PALETTE, args.opacity),
        'color': colorize(labels, model.PALETTE),
        'legend': legend(model.CLASSES, model.PALETTE, image.shape[1]),
    }
    for name, picture in pictures.items():
        path = stem.with_name(f'{stem.name}_{name}.png')
        save_picture(picture, path)
        print(f'{name}: {path}')


if __name__ == '__main__':
    run_cli(main)
