"""Export a network to ONNX, and hold what onnxruntime computes against PyTorch.

python tools/export_onnx.py WORK_DIR, or CONFIG CHECKPOINT [--out model.onnx]

The graph takes normalised images `image` (B, 3, H, W) float32, any B, H and W from 32 on, and gives
`logits` (B, C, H, W); with --window H and W are those of the test's windows alone, for networks
that take no others. Class names, colours, mean, standard deviation and windows are in its metadata.
The file takes the place of a checkpoint: tools/test.py CONFIG model.onnx, and so the demos.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.inference import test_pipeline
from mmseg.apis.inference.onnx_network import MIN_SIDE
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
    sys.exit(f'error: {error.name} is missing; run: pip install -r requirements.txt')

DEMO = Path(__file__).resolve().parents[1] / 'demo' / 'demo.png'


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
    parser.add_argument(
        '--window', action='store_true', help='a graph for windows of one size, of the test [any]'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def prepare(model: nn.Module, picture: Path) -> tuple[torch.Tensor, dict[str, Any]]:
    """Return a picture as the network is fed it (1, 3, H, W), and how it was normalised."""
    sample = test_pipeline(model)({'img': picture})
    norm = sample['img_metas'][0].data['img_norm_cfg']
    if min(sample['img'][0].shape[1:]) < MIN_SIDE + 5:
        raise UserError(f'{picture}: the test size of the config is too small to compare at')
    plain = {key: np.asarray(value).tolist() for key, value in norm.items()}
    return sample['img'][0][None], plain


def window_of(model: Any) -> tuple[int, int]:
    """Return the height and width of the windows in which a network is tested."""
    crop = model.test_cfg.get('crop_size')
    if crop is None:
        raise UserError('--window: the config crops no images: set model.test_cfg.crop_size')
    height, width = model.fitting_size(tuple(crop))
    return height, width


def facts(model: Any, window: tuple[int, int] | None) -> dict[str, Any]:
    """Return what the file tells beside its graph."""
    return {
        'classes': list(model.CLASSES),
        'palette': np.asarray(model.PALETTE).tolist(),
        'align_corners': getattr(model, 'align_corners', False),
        'size_divisor': getattr(model, 'size_divisor', 1),
        'fixed_size': window,
        'test_cfg': dict(getattr(model, 'test_cfg', {})),
    }


def views(image: torch.Tensor) -> list[torch.Tensor]:
    """Return images at the given size, at an odd one and turned: none of the size traced."""
    turned = torch.cat([image, image.flip(2)]).transpose(2, 3)
    return [image, image[:, :, 3:, 5:], turned]


def fitted(image: torch.Tensor, window: tuple[int, int]) -> torch.Tensor:
    """Return the upper left part of images (B, bands, H, W), at the size of a window."""
    part = image[:, :, : window[0], : window[1]]
    return F.pad(part, (0, window[1] - part.shape[3], 0, window[0] - part.shape[2]))


def main() -> None:
    """Export and compare; what differs does not stay."""
    args = parse_args()
    if args.checkpoint is None:
        args.config, args.checkpoint = find_run(args.config)
    if Path(args.checkpoint).suffix == '.onnx':
        raise UserError(f'{args.checkpoint} is exported already: give the checkpoint behind it')
    path = args.out or Path(args.checkpoint).with_suffix('.onnx')
    branch: Branch = 'ema_model' if args.ema else 'model'
    cfg = load_config(args.config, ['speed=off'], args.plugins)
    model = init_segmentor(cfg, args.checkpoint, 'cpu', branch, args.trust_checkpoint)
    network = Logits(model).eval()
    image, norm = prepare(model, args.image)
    window = window_of(model) if args.window else None
    with atomic_path(path) as temporary:
        export(network, temporary, {**facts(model, window), **norm}, image.shape[1], window)
        size = temporary.stat().st_size / 2**20
        parts = [fitted(image, window)] if window else views(image)
        comparisons = [compare(network, temporary, part) for part in parts]
        for comparison in comparisons:
            if not comparison.difference <= args.tolerance:
                raise UserError(f'{comparison}; expected at most {args.tolerance}: no file is left')
    print(f'{path}: {size:.1f} MiB, opset {OPSET}')
    for comparison in comparisons[:2]:
        print(f'{comparison}; {comparison.speed} ({torch.get_num_threads()} threads)')


if __name__ == '__main__':
    run_cli(main)
