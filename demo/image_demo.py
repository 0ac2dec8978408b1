"""Segment pictures and videos, arguments in the order of mmsegmentation's demo.

python demo/image_demo.py INPUT CONFIG CHECKPOINT [--out-dir DIR]
python demo/image_demo.py INPUT WORK_DIR [--out-dir DIR]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis.work_dir import find_run
from mmseg.utils.cli import run_cli
from tools.demo import INPUT_HELP, add_file_options, segment_all


def main() -> None:
    """Segment."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', help=INPUT_HELP)
    parser.add_argument('config', help='a config, or a work dir with its newest checkpoint')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint, where a config is given')
    args = add_file_options(parser).parse_args()
    if args.checkpoint is None:
        args.config, args.checkpoint = find_run(args.config)
    segment_all(args)


if __name__ == '__main__':
    run_cli(main)
