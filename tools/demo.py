"""Segment pictures and videos: overlays, label maps, a legend.

python tools/demo.py CONFIG CHECKPOINT [INPUT] [--out-dir DIR]
"""

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import Segmenter, init_segmentor, load_config
from mmseg.apis.media import VideoFile, VideoFrames, find_media, is_video
from mmseg.core.visualization import colorize, legend, load_picture, overlay, save_picture
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError
from mmseg.utils.progress import track

DEFAULT_INPUT = Path(__file__).resolve().parents[1] / 'demo' / 'demo.png'
INPUT_HELP = 'picture or video of any size, a folder of them, or a quoted pattern'


def add_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add what all forms of the demo's command line share."""
    parser.add_argument(
        '--scale', type=float, help='factor on the size, 1 for full [the size of the config]'
    )
    parser.add_argument('--ema', '--teacher', action='store_true', help='use the teacher')
    parser.add_argument('--opacity', type=float, default=0.5, help='of the colours [%(default)s]')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    return parser


def add_file_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add what those forms share that read and write files."""
    parser.add_argument('--out-dir', type=Path, default='demo_out', help='folder [%(default)s]')
    parser.add_argument('--batch-size', type=int, default=1, help='images at once [%(default)s]')
    return add_options(parser)


def load_segmenter(args: argparse.Namespace) -> Segmenter:
    """Load the network that the command line names."""
    if not 0 <= args.opacity <= 1:
        raise UserError(f'--opacity: expected 0 to 1, got {args.opacity}')
    cfg = load_config(args.config, args.options)
    branch = 'ema_model' if args.ema else 'model'
    device = choose_device(args.gpu)
    model = init_segmentor(cfg, args.checkpoint, device, branch, args.trust_checkpoint)
    return Segmenter(model, args.scale)


def segment_all(args: argparse.Namespace) -> None:
    """Segment what the command line names; a picture that cannot be read stops nothing."""
    if args.batch_size < 1:
        raise UserError(f'--batch-size: expected 1 or more, got {args.batch_size}')
    media = find_media(args.input)
    segmenter = load_segmenter(args)
    pictures = {name: path for name, path in media.items() if not is_video(path)}
    num_read = segment_pictures(segmenter, pictures, args)
    for name, path in media.items():
        if is_video(path):
            segment_video(segmenter, path, args.out_dir / name, args)
    model = segmenter.model
    save_picture(legend(model.CLASSES, model.PALETTE, 900), args.out_dir / 'legend.png')
    num_lost = len(pictures) - num_read
    print(f'{len(media) - num_lost} of {len(media)} done: {args.out_dir}')
    if num_lost:
        raise UserError(f'{num_lost} of {len(media)} files could not be read')


def segment_pictures(
    segmenter: Segmenter, pictures: Mapping[str, Path], args: argparse.Namespace
) -> int:
    """Write `<name>_overlay.png`, `_color.png` and `_labels.png` of each; return how many."""
    num_read = 0
    todo = track(readable(pictures), 'pictures', len(pictures))
    for batch in batches(todo, args.batch_size):
        results = segmenter([picture[..., ::-1] for _, picture in batch])
        for (name, picture), result in zip(batch, results, strict=True):
            target, palette = args.out_dir / name, segmenter.model.PALETTE
            drawn = {
                'overlay': overlay(picture, result.labels, palette, args.opacity),
                'color': colorize(result.labels, palette),
                'labels': result.labels,
            }
            for kind, image in drawn.items():
                save_picture(image, target.with_name(f'{target.name}_{kind}.png'))
        num_read += len(batch)
    return num_read


def segment_video(segmenter: Segmenter, path: Path, target: Path, args: argparse.Namespace) -> None:
    """Write `<name>_overlay.mp4`, and a label map of each frame in `<name>_labels/`."""
    frames, labels = VideoFrames(path), target.with_name(f'{target.name}_labels')
    index = 0
    with VideoFile(target.with_name(f'{target.name}_overlay.mp4'), frames.rate) as video:
        for batch in batches(track(frames, path.name), args.batch_size):
            for frame, result in zip(batch, segmenter(batch), strict=True):
                picture = frame[..., ::-1]
                video.add(overlay(picture, result.labels, segmenter.model.PALETTE, args.opacity))
                save_picture(result.labels, labels / f'{index:06d}.png')
                index += 1
    if index == 0:
        raise UserError(f'{path} holds no frame that can be read')


def readable(pictures: Mapping[str, Path]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the pictures that can be read, (H, W, 3) RGB; say which cannot."""
    for name, path in pictures.items():
        try:
            yield name, load_picture(path)
        except UserError as error:
            print(f'left out: {error}', file=sys.stderr)


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield items in lists of `size`, the last one perhaps shorter."""
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def main() -> None:
    """Segment."""
    parser = add_file_options(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('checkpoint', help='checkpoint of its network')
    parser.add_argument('input', nargs='?', default=DEFAULT_INPUT, help=INPUT_HELP)
    segment_all(parser.parse_args())


if __name__ == '__main__':
    run_cli(main)
