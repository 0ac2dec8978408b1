"""The kernels, run by Triton's interpreter where there is no GPU."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from mmseg.ops import Similarity, lean_instance_loss
from mmseg.ops.instance_loss_tiles import tiled_loss_and_gradient

needs_triton = pytest.mark.skipif(find_spec('triton') is None, reason='Triton is not installed')
FORMS = ['sum', 'softmax']
# (B, N, C, D, (h, w), (H, W)): more than one tile of cells and of entries, odd ratios.
SHAPES = [
    (1, 5, 2, 3, (3, 4), (6, 8)),
    (2, 70, 5, 4, (2, 9), (5, 20)),
    (1, 7, 3, 4, (4, 5), (3, 5)),
]


def draw(shape, device='cpu'):
    batch, num_entries, num_classes, dim, small, large = shape
    generator = torch.Generator().manual_seed(num_entries)
    weak, strong = torch.rand(2, batch, dim, *small, generator=generator)
    probs = torch.randn(batch, num_classes, *large, generator=generator).softmax(1)
    bank = torch.rand(num_entries, dim, generator=generator)
    labels = torch.arange(num_entries) % num_classes
    # A pixel that is like nothing, and one whose teacher is.
    strong[0, :, :2, :2] = 0
    weak[0, :, :2, -2:] = 0
    return [t.to(device) for t in (weak, strong, probs, bank, labels)]


def check_interpreted():
    """Compare both implementations; runs in a process of its own."""
    from mmseg.ops import instance_loss_triton

    take_masks_of_integers()
    instance_loss_triton._BAND_VALUES = 100
    for form in FORMS:
        for shape in SHAPES:
            inputs = draw(shape)
            expected = tiled_loss_and_gradient(*inputs, form)
            result = instance_loss_triton.triton_loss_and_gradient(*inputs, form)
            torch.testing.assert_close(result[0], expected[0], rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(result[1], expected[1], rtol=1e-4, atol=1e-5)


def take_masks_of_integers():
    """Mend the interpreter: a mask made with a scalar is int32 there, which Triton 3.9 refuses."""
    from triton.runtime.interpreter import InterpreterBuilder

    load, store = InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store

    def masked_load(self, place, mask, *rest):
        mask.data = mask.data.astype(bool)
        return load(self, place, mask, *rest)

    def masked_store(self, place, value, mask, *rest):
        mask.data = mask.data.astype(bool)
        return store(self, place, value, mask, *rest)

    InterpreterBuilder.create_masked_load = masked_load
    InterpreterBuilder.create_masked_store = masked_store


def run_alone(function, **environment):
    """Call a function of this file in a process of its own.

    Triton decides when it is imported whether kernels are compiled or interpreted.
    """
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, '-c', f'from {__name__} import {function}; {function}()'],
        cwd=root,
        env={**os.environ, **environment, 'PYTHONPATH': str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@needs_triton
def test_kernels__interpreted_they_equal_the_tiles():
    run_alone('check_interpreted', TRITON_INTERPRET='1')


@pytest.mark.gpu
@needs_triton
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('shape', [*SHAPES, (2, 300, 19, 256, (32, 48), (128, 192))])
def test_kernels__on_a_gpu_they_equal_the_tiles_and_repeat(form, dtype, shape):
    weak, strong, probs, bank, labels = draw(shape, 'cuda')
    weak, strong = weak.to(dtype), strong.to(dtype).requires_grad_()
    inputs = (weak, strong, probs, bank, labels)

    def loss_and_gradient(*inputs):
        loss = lean_instance_loss(*inputs, Similarity(form))
        return loss, torch.autograd.grad(loss, inputs[1])[0]

    loss, grad = loss_and_gradient(*inputs)
    assert all(map(torch.equal, (loss, grad), loss_and_gradient(*inputs)))
    on_cpu = [t.detach().cpu() for t in inputs]
    on_cpu[1].requires_grad_()
    expected_loss, expected_grad = loss_and_gradient(*on_cpu)
    torch.testing.assert_close(loss.cpu(), expected_loss, rtol=1e-4, atol=0)
    tolerance = 1e-4 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(grad.cpu(), expected_grad, rtol=tolerance, atol=1e-8)
