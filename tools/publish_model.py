"""Make a checkpoint fit to be given away: one network, no optimizer, named by its content.

python tools/publish_model.py CHECKPOINT [--teacher] [--out NAME.pth]
"""

import argparse
import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.core.checkpoint import Branch, read_checkpoint
from mmseg.core.publishing import published
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli

NUM_DIGITS = 8


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('checkpoint', type=Path, help='what training saved')
    parser.add_argument('--ema', '--teacher', action='store_true', help='publish the teacher')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    parser.add_argument(
        '--out', type=Path, help="the file, digits to be added to its name [the work dir's name]"
    )
    return parser.parse_args()


def hashed_name(path: Path, content: bytes) -> Path:
    """Return `path` with the first digits of the content's SHA-256 in its name."""
    digits = hashlib.sha256(content).hexdigest()[:NUM_DIGITS]
    return path.with_name(f'{path.stem}-{digits}.pth')


def main() -> None:
    """Write the file."""
    args = parse_args()
    branch: Branch = 'ema_model' if args.ema else 'model'
    content = published(read_checkpoint(args.checkpoint, args.trust_checkpoint), branch)
    default = args.checkpoint.with_name(f'{args.checkpoint.resolve().parent.name}.pth')
    path = hashed_name(args.out or default, content)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    size = f'{len(content) / 2**20:.1f} MiB'
    print(f'{"teacher" if args.ema else "student"}, {size}: {path}')


if __name__ == '__main__':
    run_cli(main)
