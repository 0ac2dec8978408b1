"""What is measured, each workload in a process of its own so that its peak memory is its own."""

import copy
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from mmcv.parallel import DataContainer
from mmcv.utils import Config

from mmseg.apis import (
    DeviceLoader,
    load_config,
    set_random_seed,
    single_gpu_test,
    train_segmentor,
)
from mmseg.apis.loader import build_test_loader, build_train_loader
from mmseg.core.settings import SpeedSettings
from mmseg.datasets import build_dataloader, build_dataset
from mmseg.models import build_segmentor
from mmseg.models.uda.interaction import PLAIN
from mmseg.ops import Similarity
from mmseg.speed import quicken
from mmseg.speed.heap import keep_freed_memory
from mmseg.speed.interaction import LEAN
from mmseg.utils.environment import choose_device, peak_memory_gb
from mmseg.utils.errors import UserError

from .encoders import measure_encoder
from .naive_dida import NaiveDIDA
from .naive_loops import ReloadingRareClassDataset, decoding_by_opencv, naive_test
from .naive_network import naive_networks
from .operations import operation_counter
from .phases import ClockHook, PhaseClock, matrix_product_ceiling, synchronized_time
from .profiling import Operator, OperatorProfile, ProfileHook
from .random_weights import NORM, build_for_measuring, owner_of_weights

_TYPES = {'bf16': torch.bfloat16, 'fp16': torch.float16}
# Settings that the naive implementations do without.
_FAST_SETTINGS = ('amp', 'compile', 'channels_last')
# Sides of the label blocks in random training images, in pixels.
_BLOCK = 32


class RandomPairs:
    """Endlessly the same training sample of noise: training without the loading.

    Args:
        num_classes: C.
        size: Side of the crop in pixels.
        with_target: Whether there is a target image.
    """

    PALETTE = None

    def __init__(self, num_classes: int, size: int, with_target: bool) -> None:
        generator = torch.Generator().manual_seed(0)
        blocks = torch.randint(num_classes, (1, -(-size // _BLOCK), -(-size // _BLOCK)))
        labels = blocks.repeat_interleave(_BLOCK, 1).repeat_interleave(_BLOCK, 2)
        self.CLASSES = [str(c) for c in range(num_classes)]
        self._sample = {
            'img': _stacked(torch.randn(3, size, size, generator=generator)),
            'gt_semantic_seg': _stacked(labels[:, :size, :size].contiguous()),
            'img_metas': DataContainer({'img_norm_cfg': NORM}, cpu_only=True),
        }
        if with_target:
            image = torch.randn(3, size, size, generator=generator)
            self._sample['target_img'] = _stacked(image)
            self._sample['target_img_metas'] = self._sample['img_metas']

    def __len__(self) -> int:
        return 1

    def draw(self, position: int, seed: int) -> dict[str, Any]:
        """Return the sample."""
        return dict(self._sample)


def measure_train(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train as `tools/train.py` does, with a clock.

    Args:
        job: `config`, `options`, `naive`, `random_data`, `size`, `warmups`, `steps` and `profile`.

    Returns:
        'seconds' of each step, 'phases' (seconds a step), 'images' a step, 'memory' (peak, GiB),
        'operations' a step, the 'ceiling' of operations a second, and with `profile` the
        'operators' of another step.
    """
    # A large step fits into memory once: it is counted and gone before this process takes it.
    with ProcessPoolExecutor(1, get_context('spawn')) as pool:
        operations = pool.submit(_count_operations, job).result()
    device = _device(job)
    cfg = _config(job)
    dtype = _TYPES.get(cfg.get('amp'), torch.float32)
    clock = PhaseClock(device)
    cfg.custom_hooks = [
        {
            'type': ClockHook,
            'clock': clock,
            'num_warmups': job['warmups'],
            'num_steps': job['steps'],
            'priority': 'LOWEST',
        }
    ]
    _train(cfg, job, device, job['warmups'] + 2 * job['steps'])
    memory = peak_memory_gb(device)
    figures = {
        'seconds': clock.steps,
        'phases': {name: seconds / job['steps'] for name, seconds in clock.seconds.items()},
        'images': cfg.data.samples_per_gpu,
        'memory': memory,
        'operations': operations,
        'ceiling': matrix_product_ceiling(device, dtype),
    }
    if job.get('profile'):
        figures['operators'] = _profile(cfg, job, device)
    return figures


def measure_loader(job: Mapping[str, Any]) -> dict[str, Any]:
    """Load training batches; the job's `workers` take the place of the config's.

    Returns:
        'seconds' of each batch, 'images' a batch and 'memory' (peak of this process, GiB).
    """
    cfg = _config(job)
    workers = cfg.data.workers_per_gpu if job['workers'] is None else job['workers']
    num_batches = job['warmups'] + job['steps']
    cfg.data.workers_per_gpu = workers
    dataset, cpu = _training_set(cfg, job['naive']), torch.device('cpu')
    if job['naive']:
        loader: Any = build_dataloader(
            dataset, cfg.data.samples_per_gpu, workers, max_iters=num_batches
        )
    else:
        loader = build_train_loader(dataset, cfg, cpu, max_iters=num_batches)
    seconds, last = [], time.perf_counter()
    for _ in loader:
        seconds.append(time.perf_counter() - last)
        last = time.perf_counter()
    # Batches come in bursts, one from each worker: their mean tells what a batch costs.
    mean = sum(seconds[job['warmups'] :]) / job['steps']
    memory = peak_memory_gb(cpu)
    return {'seconds': [mean], 'images': cfg.data.samples_per_gpu, 'memory': memory}


def measure_test(job: Mapping[str, Any]) -> dict[str, Any]:
    """Test a network of random weights on the first `steps` images, pictures and all.

    Returns:
        'seconds' an image, 'images' (1) and 'memory' (peak, GiB).
    """
    device = _device(job)
    cfg = _config(job)
    dataset = build_dataset(cfg.data.test, {'test_mode': True})
    dataset.img_infos = dataset.img_infos[: job['steps']]
    model = build_segmentor(cfg.model).to(device).eval()
    with tempfile.TemporaryDirectory() as folder:
        start = synchronized_time(device)
        if job['naive']:
            naive_networks(model)
            images = build_dataloader(dataset, 1, cfg.data.workers_per_gpu, shuffle=False)
            naive_test(model, DeviceLoader(images, device), dataset, Path(folder))
        else:
            quicken(model, device, SpeedSettings.of(cfg).for_few_passes())
            loader = build_test_loader(dataset, cfg, device)
            single_gpu_test(model, loader, out_dir=folder, pre_eval=True, amp=cfg.get('amp'))
        seconds = synchronized_time(device) - start
    return {'seconds': [seconds / len(dataset)], 'images': 1, 'memory': peak_memory_gb(device)}


def measure_instance_loss(job: Mapping[str, Any]) -> dict[str, Any]:
    """Compute the instance loss and its gradient, alone, on noise.

    Args:
        job: `naive`, `batch`, `entries`, `classes`, `channels`, `size` (of the labels; embeddings
            are a quarter of it), `form`, `warmups` and `steps`.

    Returns:
        'seconds' of each step, 'images' a step and 'memory' (peak, GiB).
    """
    device = choose_device()
    batch, side, num_classes = job['batch'], job['size'], job['classes']
    torch.manual_seed(0)
    shape = (batch, job['channels'], side // 4, side // 4)
    weak, strong = (torch.rand(shape, device=device) for _ in range(2))
    probs = torch.randn(batch, num_classes, side, side, device=device).softmax(1)
    bank = torch.rand(job['entries'], job['channels'], device=device)
    labels = torch.arange(job['entries'], device=device) % num_classes
    loss_of = (PLAIN if job['naive'] else LEAN).instance_loss
    similarity = Similarity(job['form'])
    seconds = []
    for _ in range(job['warmups'] + job['steps']):
        strong = strong.detach().requires_grad_()
        start = synchronized_time(device)
        loss_of(weak, strong, probs, bank, labels, similarity).backward()
        seconds.append(synchronized_time(device) - start)
    timed = seconds[job['warmups'] :]
    return {'seconds': timed, 'images': batch, 'memory': peak_memory_gb(device)}


WORKLOADS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    'train': measure_train,
    'loader': measure_loader,
    'test': measure_test,
    'instance-loss': measure_instance_loss,
    'encoders': measure_encoder,
}


def run_workload(name: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """Do a job.

    Args:
        name: A key of `WORKLOADS`.
        job: What the workload takes.

    Returns:
        What it measured.
    """
    with decoding_by_opencv() if job['naive'] else nullcontext():
        return WORKLOADS[name](job)


def _device(job: Mapping[str, Any]) -> torch.device:
    """Choose the device, set up as the tools do but for a naive job."""
    device = choose_device()
    if device.type == 'cpu' and not job['naive']:
        keep_freed_memory()
    return device


def _config(job: Mapping[str, Any]) -> Config:
    """Read the job's config, without weights and panels; a naive one without fast settings."""
    cfg = load_config(job['config'], job['options'], job.get('plugins', ()))
    owner_of_weights(cfg).pretrained = None
    if cfg.get('uda'):
        cfg.uda.debug_img_interval = 0
    if job['naive']:
        _leave_out(cfg, _FAST_SETTINGS)
        cfg.speed = 'off'
    return cfg


def _leave_out(cfg: Config, settings: Sequence[str]) -> None:
    for setting in settings:
        cfg.pop(setting, None)


def _train(cfg: Config, job: Mapping[str, Any], device: torch.device, num_iters: int) -> None:
    """Train for some iterations, and leave no file behind."""
    set_random_seed(0)
    model = build_for_measuring(cfg)
    if job['naive']:
        if not cfg.get('uda'):
            raise UserError('the naive step is one of adaptation, and the config has no uda')
        model = NaiveDIDA(naive_networks(model))
    if job['random_data']:
        num_classes = cfg.model.decode_head.num_classes
        dataset: Any = RandomPairs(num_classes, job['size'], bool(cfg.get('uda')))
    else:
        dataset = _training_set(cfg, job['naive'])
    with tempfile.TemporaryDirectory() as folder:
        run = copy.copy(cfg)
        run.work_dir = folder
        run.runner = {'type': 'IterBasedRunner', 'max_iters': num_iters}
        run.checkpoint_config = {'by_epoch': False, 'interval': num_iters + 1}
        run.log_config = {'interval': num_iters + 1, 'hooks': []}
        train_segmentor(model, dataset, run, device=device)


def _count_operations(job: Mapping[str, Any]) -> int:
    """Count the operations of a step."""
    device, cfg = _device(job), _config(job)
    # Compiled networks would hide their operations; they do as many as plain ones.
    _leave_out(cfg, ('custom_hooks', *_FAST_SETTINGS))
    with operation_counter() as counter:
        _train(cfg, job, device, 1)
    return counter.get_total_flops()


def _profile(cfg: Config, job: Mapping[str, Any], device: torch.device) -> list[Operator]:
    """Train for some more iterations and watch the last of them."""
    watching = OperatorProfile(device)
    run = copy.copy(cfg)
    hook = {'type': ProfileHook, 'watching': watching, 'iteration': job['warmups']}
    run.custom_hooks = [{**hook, 'priority': 'LOWEST'}]
    _train(run, job, device, job['warmups'] + 1)
    return watching.operators()


def _training_set(cfg: Config, naive: bool) -> Any:
    """Build the training set; a naive one reads every label, and images again for every crop."""
    sampling = cfg.data.train.get('rare_class_sampling')
    if not naive or sampling is None:
        return build_dataset(cfg.data.train)
    dataset: Any = build_dataset({**cfg.data.train, 'rare_class_sampling': None})
    dataset.source = ReloadingRareClassDataset(dataset.source, **sampling)
    dataset.target = build_dataset(cfg.data.train.target)
    return dataset


def _stacked(tensor: torch.Tensor) -> DataContainer:
    return DataContainer(tensor, stack=True)
