"""Make a checkpoint fit to be given away: one network, no optimizer, named by its content.

python tools/publish_model.py CHECKPOINT [--teacher] [--out NAME.pth]
"""

import argparse
import hashlib
import io
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from mmseg.core.checkpoint import Branch, read_checkpoint, select_branch
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli

# What of the meta data says how to use the weights.
KEPT = ('CLASSES', 'PALETTE', 'config', 'iter', 'seed', 'git_revision')
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


def published(checkpoint: dict[str, Any], branch: Branch) -> bytes:
    """Return the content of the file to give away.

    Args:
        checkpoint: What `read_checkpoint` returned.
        branch: 'model' for the student, 'ema_model' for the teacher.

    Returns:
        The same bytes for the same weights and meta data.

    Raises:
        UserError: The teacher is asked for and there is none.
    """
    state = select_branch(checkpoint['state_dict'], branch)
    meta = checkpoint.get('meta', {})
    buffer = io.BytesIO()
    content = {
        'meta': {key: meta[key] for key in KEPT if key in meta},
        # Clones hold no more than themselves, whatever they were cut from.
        'state_dict': {key: value.clone() for key, value in state.items()},
    }
    torch.save(content, buffer)
    return buffer.getvalue()


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
