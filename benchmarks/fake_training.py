"""A training step and a test on tensors without memory: what they take is known beforehand.

The step is the one that trains, `train_step` with all its terms, teacher and optimizer. Tensors are
PyTorch's fake ones, which have a shape and a type but no values. Nothing in the step asks for
values (on a GPU that would be waiting for it), so every branch is taken as in a run. Without a GPU
fake tensors of a CUDA device can't be differentiated: these say they are on a CPU, and for a GPU

* layers are those of a GPU (`quicken`), and so is the instance loss where Triton is installed: its
  launcher allocates what it does, its kernels are left out;
* under autocast norms, softmax and cross entropy give float32, as they do on GPUs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from mmcv.utils import Config
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from mmseg.apis.inference.decisions import decide
from mmseg.apis.optimizer import build_optimizer
from mmseg.core.adaptation import AdaptationMethod, computing_in, student_of
from mmseg.core.precision import Precision
from mmseg.core.settings import DataSettings, SpeedSettings, TrainingSettings
from mmseg.core.windows import training_crop
from mmseg.models.uda.instance_level import InstanceLevel
from mmseg.speed import quicken
from mmseg.utils.errors import UserError

from .live_memory import LiveMemory
from .random_weights import NORM, build_for_measuring

# Triton comes with PyTorch for CUDA; without it tiles serve on a GPU, too.
HAS_TRITON = find_spec('triton') is not None
if HAS_TRITON:
    from mmseg.ops import instance_loss, instance_loss_triton

# In float32 under autocast on CUDA devices, but not on CPUs.
_FLOAT32_ON_CUDA = {F.layer_norm, F.group_norm, F.softmax, F.log_softmax, F.cross_entropy}
_NETWORKS = {'ema_model': 'teacher', 'imnet_model': 'ImageNet network'}


class TrialTraining:
    """Training as a config says, on images of noise.

    Args:
        cfg: A whole config. 'fp16' takes what 'bf16' does, and is taken for it.
        device: 'cuda' or 'cpu', whose layers are laid over the networks.
        is_fake: Whether tensors have no values and take no memory.
        crop: Height and width of training images; those of the config where None.

    Raises:
        UserError: Compiling was asked for, or the config does not say how large its crops are.
    """

    def __init__(
        self,
        cfg: Config,
        device: str = 'cuda',
        is_fake: bool = True,
        crop: Sequence[int] | None = None,
    ) -> None:
        if cfg.get('compile'):
            raise UserError('compile=True hides what the step allocates: estimate without it')
        crop = crop or training_crop(cfg)
        if crop is None:
            raise UserError('the config has no RandomCrop that says how large crops are')
        self._crop, self._device = crop, device
        self._batch_size = DataSettings.of(cfg).samples_per_gpu
        self._fake = FakeTensorMode(allow_non_fake_inputs=True) if is_fake else None
        self.model = build_for_measuring(cfg)
        _without_checks(self.model)
        if self._fake is not None:
            _make_fake(self.model, self._fake)
        quicken(self.model, torch.device(device), SpeedSettings.of(cfg))
        self._amp = 'bf16' if TrainingSettings.of(cfg).amp else None
        self._precision = Precision(self._amp)
        self.optimizer = build_optimizer(self.model, TrainingSettings.of(cfg).optimizer)
        self.batch = self._training_batch()

    def prime(self) -> None:
        """Let the optimizer make what it keeps from step to step."""
        for parameter in student_of(self.model).parameters():
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        self.optimizer.step()
        self.optimizer.zero_grad()

    def step(self) -> None:
        """Take a training step."""
        self.model.train()
        with self._on_device(), computing_in(self._precision, self.model):
            outputs = self.model.train_step(self.batch, self.optimizer)
        if not isinstance(self.model, AdaptationMethod):
            self.optimizer.zero_grad()
            outputs['loss'].backward()
            self.optimizer.step()

    def test(self, num_images: int, size: Sequence[int], original: Sequence[int]) -> None:
        """Decide on the classes of a batch, as tests do.

        Args:
            num_images: Of the batch.
            size: Height and width at which the network sees them.
            original: Those of the files, at which classes are decided.
        """
        shape = (*size, 3)
        meta = {'ori_shape': (*original, 3), 'img_shape': shape, 'pad_shape': shape, 'flip': False}
        metas = [{**meta, 'img_norm_cfg': NORM}] * num_images
        with self._fake or nullcontext():
            images = torch.randn(num_images, 3, *size)
        batch = {'img': [images], 'img_metas': [metas]}
        with self._on_device():
            decide(student_of(self.model), batch, amp=self._amp)

    def name_parts(self, memory: LiveMemory) -> None:
        """Tell what the memory that is held between steps is for."""
        student = student_of(self.model)
        memory.name('buffers and bank', self.model.buffers())
        memory.name('student', student.parameters())
        for attribute, part in _NETWORKS.items():
            if hasattr(self.model, attribute):
                network = getattr(self.model, attribute)
                memory.name(part, [*network.parameters(), *network.buffers()])
        states = [value for state in self.optimizer.state.values() for value in state.values()]
        memory.name('optimizer', [state for state in states if isinstance(state, torch.Tensor)])
        memory.name('gradients', [p.grad for p in student.parameters() if p.grad is not None])
        images = [value for value in self.batch.values() if isinstance(value, torch.Tensor)]
        memory.name('images and labels', images)

    def name_network(self, memory: LiveMemory) -> None:
        """Tell of what a test needs: the network that has learnt, without its gradients."""
        student = student_of(self.model)
        memory.name('student', [*student.parameters(), *student.buffers()])

    def name_gradients(self, memory: LiveMemory) -> None:
        """Tell of gradients as soon as they are there."""
        for parameter in student_of(self.model).parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(
                    lambda parameter: memory.name('gradients', [parameter.grad])
                )

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self._device == 'cuda':
                stack.enter_context(_AutocastOfCuda())
                if HAS_TRITON:
                    stack.enter_context(_launcher_without_kernels())
            yield

    def _training_batch(self) -> dict[str, Any]:
        count, (height, width) = self._batch_size, self._crop
        num_classes = student_of(self.model).num_classes
        with self._fake or nullcontext():
            images = [torch.randn(count, 3, height, width) for _ in range(2)]
            labels = torch.randint(num_classes, (count, 1, height, width))
        metas = [{'img_norm_cfg': NORM}] * count
        batch = {'img': images[0], 'img_metas': metas, 'gt_semantic_seg': labels}
        if isinstance(self.model, AdaptationMethod):
            batch |= {'target_img': images[1], 'target_img_metas': metas}
        return batch


class _AutocastOfCuda(TorchFunctionMode):
    """Lets autocast on a CPU spare the functions that it spares on CUDA devices."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func not in _FLOAT32_ON_CUDA or not torch.is_autocast_enabled('cpu'):
            return func(*args, **kwargs)
        with torch.autocast('cpu', enabled=False):
            return func(*(_as_float32(arg) for arg in args), **kwargs)


def _as_float32(value: Any) -> Any:
    lean = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.float() if lean else value


class _IdleKernel:
    """Takes the arguments of a kernel's launch and does nothing."""

    def __getitem__(self, grid: Sequence[int]) -> Callable[..., None]:
        return lambda *args, **kwargs: None


@contextmanager
def _launcher_without_kernels() -> Iterator[None]:
    """Let the instance loss allocate what it does on a GPU."""
    launcher, idle = instance_loss_triton, _IdleKernel()
    with (
        mock.patch.object(launcher, 'gradient_kernel', idle),
        mock.patch.object(launcher, 'statistics_kernel', idle),
        mock.patch.object(
            instance_loss, 'tiled_loss_and_gradient', launcher.triton_loss_and_gradient
        ),
    ):
        yield


def _make_fake(model: nn.Module, fake: FakeTensorMode) -> None:
    """Take the values out of parameters and statistics; what the host reads keeps them."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            values = fake.from_tensor(parameter.detach())
            module._parameters[name] = nn.Parameter(values, parameter.requires_grad)
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_floating_point():
                module._buffers[name] = fake.from_tensor(buffer)


def _without_checks(model: nn.Module) -> None:
    """Leave out what looks at values, in a run's first step alone."""
    for module in model.modules():
        if isinstance(module, InstanceLevel):
            module._checks_sign = False
