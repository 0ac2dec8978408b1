"""The memory and the time that a photograph takes, whole and in windows, on a CPU.

python benchmarks/photograph_memory.py [--width 4000 --height 3000]

A JPEG goes from its file to label map and confidence as in the demo, through DAFormer on MiT-B0
with random weights. Each way has a process of its own, whose peak is what the system counted; what
Python, the libraries and the network take before there is a picture stands beside it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch

from mmseg.apis import Segmenter, init_segmentor, load_config
from mmseg.utils.environment import peak_memory_gb

CONFIG = Path(__file__).with_name('gta2cs_dida_mitb0.py')
CPU = torch.device('cpu')
# How the photograph goes through: factor on its size (None: the size of the config), a batch a row.
WAYS: dict[str, tuple[float | None, bool]] = {
    'size of the config': (None, False),
    'full size, window by window': (1.0, False),
    'full size, a row of windows at once': (1.0, True),
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--width', type=int, default=4000, help='in pixels [%(default)s]')
    parser.add_argument('--height', type=int, default=3000, help='in pixels [%(default)s]')
    # What a child process is to do; set by the parent alone.
    parser.add_argument('--way', help=argparse.SUPPRESS)
    parser.add_argument('--picture', type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def write_photograph(path: Path, height: int, width: int) -> None:
    """Write large shapes under fine noise: what a JPEG of a camera is made of."""
    rng = np.random.default_rng(0)
    shapes = rng.integers(0, 256, (height // 200 + 1, width // 200 + 1, 3), np.uint8)
    picture = cv2.resize(shapes, (width, height)).astype(np.int16)
    picture += rng.integers(-8, 9, picture.shape, np.int16)
    cv2.imwrite(str(path), picture.clip(0, 255).astype(np.uint8))


def measure(way: str, picture: Path) -> dict[str, float]:
    """Segment the photograph; return GiB before and at the peak, and seconds."""
    scale, is_batched = WAYS[way]
    model = init_segmentor(load_config(CONFIG), device=CPU)
    model.test_cfg = {**model.test_cfg, 'batched_slide': is_batched}
    segmenter = Segmenter(model, scale)
    before, start = peak_memory_gb(CPU), time.perf_counter()
    (seen,) = segmenter([picture])
    assert seen.labels.shape == seen.confidence.shape
    taken = time.perf_counter() - start
    return {'before': before, 'peak': peak_memory_gb(CPU), 'seconds': taken}


def main() -> None:
    """Measure each way in a process of its own and print a line for it."""
    args = parse_args()
    if args.way is not None:
        print(json.dumps(measure(args.way, args.picture)))
        return
    print(f'{args.width}×{args.height}{"":<28}{"before":>10}{"peak":>10}{"time":>9}')
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / 'photograph.jpg'
        write_photograph(picture, args.height, args.width)
        for way in WAYS:
            command = [sys.executable, __file__, '--way', way, '--picture', str(picture)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            figures = json.loads(done.stdout.splitlines()[-1])
            print(
                f'{way:<36}{figures["before"]:>7.2f} GiB{figures["peak"]:>6.2f} GiB'
                f'{figures["seconds"]:>7.0f} s',
                flush=True,
            )


if __name__ == '__main__':
    main()
