"""Write a placeholder bank: unit random vectors that count as unfilled.

python create_buffer.py [FOLDER] [--num-entries 300] [--dim 256] [--seed 0]
"""

import argparse

import torch
import torch.nn.functional as F

from mmseg.models.uda.instance_bank import InstanceBank
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError
from mmseg.utils.seed import torch_generator


def main() -> None:
    """Write the bank."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', nargs='?', help='[embedding_cache/placeholder_ENTRIES]')
    parser.add_argument('--num-entries', type=int, default=300, help='bank entries [300]')
    parser.add_argument('--dim', type=int, default=256, help='embedding channels [256]')
    parser.add_argument('--seed', type=int, default=0, help='seed of the vectors [0]')
    args = parser.parse_args()
    if min(args.num_entries, args.dim) < 1:
        raise UserError(
            f'expected at least one entry and channel, got {args.num_entries} and {args.dim}'
        )
    folder = args.folder or f'embedding_cache/placeholder_{args.num_entries}'
    bank = InstanceBank(args.num_entries, args.dim, num_classes=1)
    vectors = torch.randn(
        bank.features.shape, generator=torch_generator('bank placeholders', args.seed)
    )
    bank.features.copy_(F.normalize(vectors, dim=1))
    bank.save(folder)
    print(f'{args.num_entries} unfilled entries of {args.dim} channels in {folder}')


if __name__ == '__main__':
    run_cli(main)
