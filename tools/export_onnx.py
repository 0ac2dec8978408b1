"""Export a network to ONNX, and hold what onnxruntime computes against PyTorch.

python tools/export_onnx.py WORK_DIR, or CONFIG CHECKPOINT [--out model.onnx]

The graph takes normalised images `image` (B, 3, H, W) float32, any B, H and W from 32 on, and gives
`logits` (B, C, H, W). Class names, colours, mean and standard deviation are in its metadata.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.inference import test_pipeline
from mmseg.apis.plugins import add_plugins_option
from mmseg.apis.work_dir import find_run
from mmseg.core.checkpoint import Branch
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

try:
    import onnxscript  # noqa: F401  torch.onnx needs it, and says so late

    from mmseg.apis.onnx_file import OPSET, Logits, compare, export
except ModuleNotFoundError as error:
    sys.exit(f"error: {error.name} is missing; run: pip install '.[onnx]'")

DEMO = Path(__file__).resolve().parents[1] / 'demo' / 'demo.png'
_MIN_SIDE = 32  # the encoder pads what is smaller, which a graph of free sizes cannot tell


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='a config, or a work dir with its newest checkpoint')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint, where a config is given')
    parser.add_argument('--out', type=Path, help="file to write [the checkpoint's, as .onnx]")
    parser.add_argument('--ema', '--teacher', action='store_true', help='export the teacher')
    parser.add_argument('--image', type=Path, default=DEMO, help='picture to compare on')
    parser.add_argument(
        '--tolerance', type=float, default=1e-3, help='largest difference allowed [%(default)s]'
    )
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def prepare(model: nn.Module, picture: Path) -> tuple[torch.Tensor, dict[str, Any]]:
    """Return a picture as the network is fed it (1, 3, H, W), and how it was normalised."""
    sample = test_pipeline(model)({'img': picture})
    norm = sample['img_metas'][0].data['img_norm_cfg']
    if min(sample['img'][0].shape[1:]) < _MIN_SIDE + 5:
        raise UserError(f'{picture}: the test size of the config is too small to compare at')
    plain = {key: np.asarray(value).tolist() for key, value in norm.items()}
    return sample['img'][0][None], plain


def main() -> None:
    """Export and compare; what differs does not stay."""
    args = parse_args()
    if args.checkpoint is None:
        args.config, args.checkpoint = find_run(args.config)
    path = args.out or Path(args.checkpoint).with_suffix('.onnx')
    branch: Branch = 'ema_model' if args.ema else 'model'
    cfg = load_config(args.config, ['speed=off'], args.plugins)
    model = init_segmentor(cfg, args.checkpoint, 'cpu', branch, args.trust_checkpoint)
    network = Logits(model).eval()
    image, norm = prepare(model, args.image)
    names = {'classes': list(model.CLASSES), 'palette': np.asarray(model.PALETTE).tolist()}
    with atomic_path(path) as temporary:
        export(network, temporary, {**names, **norm}, image.shape[1])
        size = temporary.stat().st_size / 2**20
        # at its size, at an odd one and turned: none is the size that was traced
        turned = torch.cat([image, image.flip(2)]).transpose(2, 3)
        comparisons = [
            compare(network, temporary, part) for part in (image, image[:, :, 3:, 5:], turned)
        ]
        for comparison in comparisons:
            if not comparison.difference <= args.tolerance:
                raise UserError(f'{comparison}; expected at most {args.tolerance}: no file is left')
    print(f'{path}: {size:.1f} MiB, opset {OPSET}')
    for comparison in comparisons[:2]:
        print(f'{comparison}; {comparison.speed} ({torch.get_num_threads()} threads)')


if __name__ == '__main__':
    run_cli(main)
