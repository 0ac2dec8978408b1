"""Export a network to ONNX, and hold what onnxruntime computes against PyTorch.

python tools/export_onnx.py WORK_DIR, or CONFIG CHECKPOINT [--out model.onnx]

The graph takes normalised images `image` (B, 3, H, W) float32, any B, H and W from 32 on, and gives
`logits` (B, C, H, W). Class names, colours, mean and standard deviation are in its metadata.
"""

import argparse
import json
import statistics
import sys
import timeit
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor
from mmseg.apis.inference import LoadImage
from mmseg.apis.work_dir import find_run
from mmseg.datasets.pipelines import Compose
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

try:
    import onnx
    import onnxruntime
    import onnxscript  # noqa: F401  torch.onnx needs it, and says so late
except ModuleNotFoundError as error:
    sys.exit(f"error: {error.name} is missing; run: pip install '.[onnx]'")

DEMO = Path(__file__).resolve().parents[1] / 'demo' / 'demo.png'
_OPSET = 18
_TRACED = (128, 192)
_MIN_SIDE = 32  # the encoder pads what is smaller, which a graph of free sizes cannot tell
_NUM_RUNS = 5


class Logits(nn.Module):
    """A segmentor as a plain function of images."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Turn images (B, 3, H, W) into logits (B, C, H, W)."""
        return self.model.encode_decode(image, [])


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
    return parser.parse_args()


def export(network: nn.Module, path: Path, metadata: dict[str, Any]) -> None:
    """Write a network as an ONNX file with metadata."""
    # PyTorch's exporter uses names that PyTorch itself has retired
    warnings.filterwarnings('ignore', category=FutureWarning)
    program = torch.onnx.export(
        network,
        (torch.zeros(2, 3, *_TRACED),),
        dynamo=True,
        opset_version=_OPSET,
        input_names=['image'],
        output_names=['logits'],
        dynamic_shapes={'image': {0: 'batch', 2: 'height', 3: 'width'}},
        verbose=False,
    )
    model = program.model_proto
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in metadata.items()})
    with atomic_path(path) as temporary:
        onnx.save(model, temporary)


def prepare(model: nn.Module, picture: Path) -> tuple[torch.Tensor, dict[str, Any]]:
    """Return a picture as the network is fed it (1, 3, H, W), and how it was normalised."""
    sample = Compose([LoadImage(), *model.cfg.data.test.pipeline[1:]])({'img': picture})
    norm = sample['img_metas'][0].data['img_norm_cfg']
    if min(sample['img'][0].shape[1:]) < _MIN_SIDE + 5:
        raise UserError(f'{picture}: the test size of the config is too small to compare at')
    plain = {key: np.asarray(value).tolist() for key, value in norm.items()}
    return sample['img'][0][None], plain


def compare(network: nn.Module, path: Path, image: torch.Tensor) -> tuple[float, float, str]:
    """Run both on an image (1, 3, H, W), on the CPU.

    Returns:
        The largest difference of the logits, the share of pixels with the same class, and a line
        about speed.
    """
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    feed = {'image': image.numpy()}
    with torch.inference_mode():
        (theirs,), ours = session.run(None, feed), network(image).numpy()
        calls = {'onnxruntime': lambda: session.run(None, feed), 'PyTorch': lambda: network(image)}
        seconds = {
            name: statistics.median(timeit.repeat(call, number=1, repeat=_NUM_RUNS))
            for name, call in calls.items()
        }
    speed = ', '.join(f'{name} {1000 * taken:.0f} ms' for name, taken in seconds.items())
    same = float(np.mean(theirs.argmax(1) == ours.argmax(1)))
    return float(np.abs(theirs - ours).max()), same, speed


def main() -> None:
    """Export and compare."""
    args = parse_args()
    if args.checkpoint is None:
        args.config, args.checkpoint = find_run(args.config)
    path = args.out or Path(args.checkpoint).with_suffix('.onnx')
    branch = 'ema_model' if args.ema else 'model'
    model = init_segmentor(args.config, args.checkpoint, 'cpu', branch)
    network = Logits(model).eval()
    image, norm = prepare(model, args.image)
    names = {'classes': list(model.CLASSES), 'palette': np.asarray(model.PALETTE).tolist()}
    export(network, path, {**names, **norm})
    print(f'{path}: {path.stat().st_size / 2**20:.1f} MiB, opset {_OPSET}')
    # at its size and at an odd one: neither is the size that was traced
    for picture in (image, image[:, :, 3:, 5:]):
        difference, same, speed = compare(network, path, picture)
        print(
            f'{picture.shape[3]}x{picture.shape[2]}: largest difference {difference:.1e}, ', end=''
        )
        print(f'same class in {same:.2%} of pixels; {speed} ({torch.get_num_threads()} threads)')
        if not difference <= args.tolerance:
            raise UserError(f'onnxruntime differs by more than {args.tolerance} from PyTorch')


if __name__ == '__main__':
    run_cli(main)
