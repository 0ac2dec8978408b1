"""Turn Hugging Face's nvidia/mit-b0 … mit-b5 into the encoder weights that training starts from.

python tools/convert_weights/segformer_hf.py pytorch_model.bin pretrained/mit_b5.pth
"""

import argparse
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg.core.checkpoint import read_checkpoint
from mmseg.models.backbones.segformer_hf import from_segformer_hf
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the entries of a `.safetensors` file or of one that PyTorch wrote.

    Raises:
        UserError: There is no such file, or it holds no weights.
    """
    if path.suffix != '.safetensors':
        return read_checkpoint(path)['state_dict']
    if not path.is_file():
        raise UserError(f'no weights at {path}')
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UserError(f'{path} is damaged or no safetensors file: {error}') from error


def convert_file(source: Path, target: Path) -> int:
    """Write the encoder of `source` to `target`; return its number of parameters."""
    state = from_segformer_hf(read_weights(source))
    with atomic_path(target) as temporary:
        torch.save(state, temporary)
    return sum(value.numel() for value in state.values())


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', type=Path, help='pytorch_model.bin or model.safetensors')
    parser.add_argument('target', type=Path, help='file to write, such as pretrained/mit_b5.pth')
    args = parser.parse_args()
    num_parameters = convert_file(args.source, args.target)
    print(f'{args.target}: {num_parameters / 1e6:.1f} M parameters')


if __name__ == '__main__':
    run_cli(main)
