"""Draw street scenes in the layouts of GTA, Synthia and Cityscapes, with raw label ids.

python tools/make_street_scenes.py data/streets --num-source 300 --num-target 300 --num-val 60
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from mmseg.street_scenes import DOMAINS, LAYOUTS, render_scene, write_street_scenes
from mmseg.street_scenes.writers import colour_labels
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

# One row of the sheet: a domain, and whether it shows labels under the pictures.
_SHEET_ROWS = (('gta', True), ('synthia', False), ('cityscapes', True), ('cityscapes', False))
_SHEET_COLUMNS = 3
_MARGIN = 6


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', nargs='?', help='folder to write the data sets to')
    parser.add_argument('--num-source', type=int, default=300, help='scenes in each source set')
    parser.add_argument('--num-target', type=int, default=300, help='target training scenes')
    parser.add_argument('--num-val', type=int, default=60, help='target validation scenes')
    parser.add_argument('--size', default='512x256', help='width and height (%(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the whole set')
    parser.add_argument('--nproc', type=int, default=1, help='number of processes')
    parser.add_argument(
        '--layouts', nargs='+', default=list(LAYOUTS), help='data sets to write (%(default)s)'
    )
    parser.add_argument('--sheet', metavar='FILE', help='draw a sheet of examples into FILE')
    args = parser.parse_args()
    if (args.root is None) == (args.sheet is None):
        parser.error('give either ROOT or --sheet FILE')
    return args


def parse_size(text: str) -> tuple[int, int]:
    """Read a size such as 512x256.

    Raises:
        UserError: The text is not of that form.
    """
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    if match is None:
        raise UserError(f'expected a size such as 512x256, got {text!r}')
    return int(match[1]), int(match[2])


def draw_sheet(size: tuple[int, int], seed: int) -> np.ndarray:
    """Draw examples of all domains, some with their labels.

    Args:
        size: Width and height of one picture in pixels.
        seed: Seed of the first picture.

    Returns:
        The sheet, (H,W,3) uint8 RGB.
    """
    rows = []
    for number, (name, with_labels) in enumerate(_SHEET_ROWS):
        seeds = range(seed + number * _SHEET_COLUMNS, seed + (number + 1) * _SHEET_COLUMNS)
        scenes = [render_scene(s, DOMAINS[name], size) for s in seeds]
        rows.append(_row([image for image, _ in scenes]))
        if with_labels:
            rows.append(_row([colour_labels(labels) for _, labels in scenes]))
    return np.vstack(rows)


def _row(pictures: list[np.ndarray]) -> np.ndarray:
    margin = ((0, _MARGIN), (0, _MARGIN), (0, 0))
    return np.hstack([np.pad(picture, margin, constant_values=255) for picture in pictures])


def main() -> None:
    """Write the data sets or the sheet."""
    args = parse_args()
    size = parse_size(args.size)
    if args.sheet:
        sheet = draw_sheet(size, args.seed)
        if not cv2.imwrite(args.sheet, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85]):
            raise UserError(f'cannot write {args.sheet}: is the folder there?')
        return
    write_street_scenes(
        args.root,
        args.num_source,
        args.num_target,
        args.num_val,
        size,
        args.seed,
        args.nproc,
        args.layouts,
    )


if __name__ == '__main__':
    run_cli(main)
