"""Segment pictures, videos and streams: overlays, label maps, a legend.

python tools/demo.py CONFIG CHECKPOINT [INPUT] [--out-dir DIR]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import Segmenter, init_segmentor, load_config
from mmseg.apis.inference import second_opinions
from mmseg.apis.media import (
    VideoFrames,
    VideoStream,
    find_media,
    is_stream,
    is_video,
)
from mmseg.apis.plugins import add_plugins_option
from mmseg.apis.segment_media import Drawing, segment_pictures, segment_video
from mmseg.core.checkpoint import Branch
from mmseg.core.visualization import legend, save_picture
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError

DEFAULT_INPUT = Path(__file__).resolve().parents[1] / 'demo' / 'demo.png'
INPUT_HELP = (
    'picture or video of any size, a folder of them, or a quoted pattern; 0 for the first camera, '
    'or the address of a stream (rtsp://, http://, …), until it ends or Ctrl-C'
)


def add_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add what all forms of the demo's command line share."""
    parser.add_argument(
        '--scale', type=float, help='factor on the size, 1 for full [the size of the config]'
    )
    parser.add_argument('--ema', '--teacher', action='store_true', help='use the teacher')
    parser.add_argument(
        '--uncertainty', action='store_true', help='map where the network is not to be trusted too'
    )
    parser.add_argument('--opacity', type=float, default=0.5, help='of the colours [%(default)s]')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    add_plugins_option(parser)
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
    cfg = load_config(args.config, args.options, args.plugins)
    branch: Branch = 'ema_model' if args.ema else 'model'
    device = choose_device(args.gpu)
    model = init_segmentor(cfg, args.checkpoint, device, branch, args.trust_checkpoint)
    opinions = None
    if args.uncertainty:
        opinions = second_opinions(model, args.checkpoint, branch, args.trust_checkpoint)
    return Segmenter(model, args.scale, opinions)


def segment_all(args: argparse.Namespace) -> None:
    """Segment what the command line names; a picture that cannot be read stops nothing."""
    if args.batch_size < 1:
        raise UserError(f'--batch-size: expected 1 or more, got {args.batch_size}')
    stream = VideoStream(args.input) if is_stream(args.input) else None
    media = {} if stream else find_media(args.input)
    segmenter = load_segmenter(args)
    drawing = Drawing(args.opacity, args.batch_size)
    pictures = {name: path for name, path in media.items() if not is_video(path)}
    num_read = segment_pictures(segmenter, pictures, args.out_dir, drawing)
    for name, path in media.items():
        if is_video(path):
            segment_video(segmenter, VideoFrames(path), path.name, args.out_dir / name, drawing)
    if stream is not None:
        segment_video(segmenter, stream, stream.name, args.out_dir / stream.name, drawing)
        media = {stream.name: args.input}
    model = segmenter.model
    save_picture(legend(model.CLASSES, model.PALETTE, 900), args.out_dir / 'legend.png')
    num_lost = len(pictures) - num_read
    print(f'{len(media) - num_lost} of {len(media)} done: {args.out_dir}')
    if num_lost:
        raise UserError(f'{num_lost} of {len(media)} files could not be read')


def main() -> None:
    """Segment."""
    parser = add_file_options(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('checkpoint', help='checkpoint of its network')
    parser.add_argument('input', nargs='?', default=DEFAULT_INPUT, help=INPUT_HELP)
    segment_all(parser.parse_args())


if __name__ == '__main__':
    run_cli(main)
