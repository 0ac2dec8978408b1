"""Train a stub network for 40,000 iterations; memory, open files and speed must stay flat.

python benchmarks/long_run.py [--iterations 40000] [--folder FOLDER]

The loop is that of any training by DIDA: data loading with rare class sampling, teacher, bank,
hooks, log, panels, checkpoints, evaluations, report. Only the network is a stub, a single
convolution, and the images are of 128×64 pixels.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from mmcv.runner import HOOKS, Hook
from torch import nn

from benchmarks.small_run import write_small_run
from mmseg.apis import load_config, set_random_seed, train_segmentor
from mmseg.apis.config import Config
from mmseg.datasets import build_dataset
from mmseg.models import build_train_model
from mmseg.models.builder import BACKBONES
from mmseg.report import ReportHook
from mmseg.utils.cli import run_cli
from mmseg.utils.logger import get_root_logger

CHANNELS = 8
NUM_PARTS = 20


@BACKBONES.register_module()
class Stub(nn.Module):
    """One convolution from images (B, 3, H, W) to a map (B, 8, H/4, W/4)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, CHANNELS, 7, stride=4, padding=3)

    def init_weights(self) -> None:
        """Keep the random weights."""

    def forward(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Return the map, in a list."""
        return [self.conv(img).relu()]


@HOOKS.register_module()
class Gauge(Hook):
    """Reads memory, open files and the clock in equal steps of the run."""

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.readings: list[tuple[int, float, int, float, float]] = []

    def before_run(self, runner) -> None:
        gauges.append(self)
        self.start, self.start_cpu = time.monotonic(), time.process_time()

    def after_train_iter(self, runner) -> None:
        if self.every_n_iters(runner, self.interval):
            pages = int(Path('/proc/self/statm').read_text().split()[1])
            memory = pages * os.sysconf('SC_PAGE_SIZE') / 2**20
            num_files = len(os.listdir('/proc/self/fd'))
            now, now_cpu = time.monotonic(), time.process_time()
            speed = self.interval / (now - self.start)
            milliseconds = 1000 * (now_cpu - self.start_cpu) / self.interval
            self.start, self.start_cpu = now, now_cpu
            self.readings.append((runner.iter + 1, memory, num_files, speed, milliseconds))


gauges: list[Gauge] = []


def write_config(folder: Path, num_iterations: int) -> Config:
    """Draw the scenes and write the config: as many evaluations and checkpoints as in long runs."""
    head = {
        '_delete_': True,
        'type': 'FCNHead',
        'num_classes': 19,
        'in_channels': CHANNELS,
        'in_index': 0,
        'channels': CHANNELS,
        'num_convs': 0,
        'concat_input': False,
    }
    path = write_small_run(
        folder,
        model={'backbone': {'_delete_': True, 'type': 'Stub'}, 'decode_head': head},
        uda={'debug_img_interval': num_iterations // 40},
        data={'workers_per_gpu': 1},
        runner={'type': 'IterBasedRunner', 'max_iters': num_iterations},
        checkpoint_config={'interval': num_iterations // 25, 'max_keep_ckpts': 2},
        evaluation={'interval': num_iterations // 25},
        log_config={'interval': 50},
        custom_hooks=[{'type': 'Gauge', 'interval': num_iterations // NUM_PARTS}],
    )
    return load_config(path)


def main() -> None:
    """Train and print the readings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--iterations', type=int, default=40000, help='[40000]')
    parser.add_argument('--folder', type=Path, help='where to work [a temporary one]')
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = args.folder or Path(tempfile.mkdtemp(prefix='long_run_'))
    cfg = write_config(folder, args.iterations)
    cfg.work_dir = str(folder / 'run')
    get_root_logger(folder / 'run.log', 'WARNING')
    set_random_seed(cfg.seed)
    model = build_train_model(cfg)
    model.init_weights()
    hooks = [ReportHook()]
    train_segmentor(model, build_dataset(cfg.data.train), cfg, validate=True, hooks=hooks)
    print('iteration   MiB  open files  iterations/s  ms of CPU/iteration')
    for iteration, memory, num_files, speed, milliseconds in gauges[0].readings:
        print(f'{iteration:>9}{memory:>6.0f}{num_files:>12}{speed:>14.0f}{milliseconds:>21.2f}')
    files = sorted(path.name for path in (folder / 'run').glob('*.pth'))
    print(f'checkpoints left: {", ".join(files)}')


if __name__ == '__main__':
    run_cli(main)
