"""What the command lines of all converters have in common."""

import argparse
from pathlib import Path


def argument_parser(description: str, label_dir: str) -> argparse.ArgumentParser:
    """Make the command line that all converters share.

    Args:
        description: What the converter does.
        label_dir: Folder of the labels below the root, unless the user names another.

    Returns:
        A parser of ROOT, --label-dir, --out-dir and --nproc.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('root', type=Path, help='folder of the data set')
    parser.add_argument(
        '--label-dir',
        '--gt-dir',
        default=label_dir,
        help='folder of the labels below ROOT (default: %(default)s)',
    )
    add_common_options(parser)
    return parser


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command lines of all converters share, those for own data included."""
    parser.add_argument(
        '-o',
        '--out-dir',
        type=Path,
        help='folder of converted labels and statistics, for a ROOT that is read-only '
        '(default: beside the labels, and ROOT)',
    )
    parser.add_argument('--nproc', type=int, default=1, help='number of processes (default: 1)')


def say_elsewhere(out_dir: Path | None, label_dir: str) -> None:
    """Say what a config must hold for results in a folder of their own."""
    if out_dir is not None:
        labels = (out_dir / label_dir).absolute()
        print(f"in the data set's config: ann_dir='{labels}', stats_dir='{out_dir.absolute()}'")
