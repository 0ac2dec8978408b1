"""Train a stub network for 40,000 iterations; memory, open files and speed must stay flat.

python benchmarks/long_run.py [--iterations 40000] [--folder FOLDER]

The loop, its hooks, log, checkpoints, evaluations and data loading are those of any training; only
the network (one convolution) and the data (noise of 8×8 pixels) are stubs.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from mmcv.parallel import DataContainer
from mmcv.runner import HOOKS, Hook
from torch import nn

from mmseg.apis import train_segmentor
from mmseg.apis.config import Config
from mmseg.datasets.builder import DATASETS
from mmseg.datasets.evaluation import EvaluatesLabels
from mmseg.utils.cli import run_cli
from mmseg.utils.logger import get_root_logger
from mmseg.utils.seed import torch_generator

CLASSES, PALETTE = ['road', 'sky'], [[128, 64, 128], [70, 130, 180]]
NUM_TEST_IMAGES = 4
NUM_PARTS = 20


@DATASETS.register_module()
class Noise(EvaluatesLabels):
    """Images of 8×8 pixels drawn by their position."""

    CLASSES, PALETTE = CLASSES, PALETTE
    ignore_index, eval_classes = 255, None

    def __init__(self, test_mode: bool = False, extra_means: Any = None) -> None:
        self.extra_means = extra_means or {}

    def __len__(self) -> int:
        return NUM_TEST_IMAGES

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self.draw(index, seed=0)
        return {'img': [sample['img'].data], 'img_metas': [sample['img_metas']]}

    def draw(self, position: int, seed: int) -> dict[str, Any]:
        """Return the training sample at a position of a run."""
        image = torch.randn(3, 8, 8, generator=torch_generator(seed, position))
        return {
            'img': DataContainer(image, stack=True),
            'img_metas': DataContainer({'position': position}, cpu_only=True),
            'gt_semantic_seg': DataContainer((image[:1] > 0).long(), stack=True),
        }

    def get_gt_seg_map(self, index: int) -> np.ndarray:
        """Return the labels (8, 8) of a test image."""
        return self.draw(index, seed=0)['gt_semantic_seg'].data[0].numpy().astype(np.uint8)


class Stub(nn.Module):
    """One convolution and BatchNorm."""

    num_classes = len(CLASSES)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.BatchNorm2d(2))

    def forward(self, img: list[torch.Tensor], img_metas: Any, **_: Any) -> list[Any]:
        return list(self.layers(img[0]).argmax(dim=1).cpu().numpy())

    def train_step(self, batch: dict[str, Any], optimizer: Any) -> dict[str, Any]:
        """Measure a batch; the loop's hook takes the optimizer step."""
        logits = self.layers(batch['img'])
        loss = nn.functional.cross_entropy(logits, batch['gt_semantic_seg'][:, 0])
        log_vars = {'loss': loss.item()}
        return {'loss': loss, 'log_vars': log_vars, 'num_samples': len(batch['img'])}


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


def config(work_dir: Path, num_iterations: int) -> Config:
    """Make the config: evaluation, checkpoints and log lines as often as in the paper's runs."""
    data = {'type': 'Noise'}
    return Config(
        {
            'model': {'type': 'Stub'},
            'data': {
                'samples_per_gpu': 2,
                'workers_per_gpu': 1,
                'train': data,
                'val': data,
                'test': data,
            },
            'optimizer': {'type': 'AdamW', 'lr': 1e-4},
            'optimizer_config': {},
            'lr_config': {'policy': 'poly', 'power': 1.0, 'min_lr': 0.0, 'by_epoch': False},
            'runner': {'type': 'IterBasedRunner', 'max_iters': num_iterations},
            'checkpoint_config': {'interval': num_iterations // 25, 'max_keep_ckpts': 2},
            'evaluation': {'interval': num_iterations // 25},
            'log_config': {'interval': 50},
            'custom_hooks': [{'type': 'Gauge', 'interval': num_iterations // NUM_PARTS}],
            'work_dir': str(work_dir),
            'seed': 0,
        }
    )


def main() -> None:
    """Train and print the readings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--iterations', type=int, default=40000, help='[40000]')
    parser.add_argument('--folder', type=Path, help='work dir [a temporary one]')
    args = parser.parse_args()
    torch.set_num_threads(1)
    work_dir = args.folder or Path(tempfile.mkdtemp(prefix='long_run_'))
    get_root_logger(work_dir / 'run.log', 'WARNING')
    cfg = config(work_dir, args.iterations)
    train_segmentor(Stub(), DATASETS.build(cfg.data.train), cfg, validate=True)
    print('iteration   MiB  open files  iterations/s  ms of CPU/iteration')
    for iteration, memory, num_files, speed, milliseconds in gauges[0].readings:
        print(f'{iteration:>9}{memory:>6.0f}{num_files:>12}{speed:>14.0f}{milliseconds:>21.2f}')
    files = sorted(path.name for path in work_dir.glob('*.pth'))
    print(f'checkpoints left: {", ".join(files)}')


if __name__ == '__main__':
    run_cli(main)
