"""Predicted memory is what is taken."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.fake_training import TrialTraining
from benchmarks.live_memory import ACTIVATIONS, LiveMemory
from benchmarks.memory_estimate import estimate, size_in_tests
from mmseg.apis import load_config

B0 = 'benchmarks/gta2cs_dida_mitb0.py'
CROP = (64, 96)


def config(*options):
    return load_config(B0, ['data.samples_per_gpu=1', *options])


def measured_peak(cfg):
    """Return the most bytes that PyTorch's allocator handed out in a second step."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        training = TrialTraining(cfg, 'cpu', is_fake=False, crop=CROP)
        training.step()
        with record_function('second step'):
            training.step()
    events = profiler.profiler.kineto_results.events()
    (second,) = [event for event in events if event.name() == 'second step']
    held = peak = 0
    for event in sorted(
        (event for event in events if event.name() == '[memory]'), key=lambda e: e.start_ns()
    ):
        held += event.nbytes()
        if second.start_ns() <= event.start_ns() <= second.end_ns():
            peak = max(peak, held)
    return peak


@pytest.mark.smoke
@pytest.mark.parametrize('options', [(), ('amp=bf16',), ('uda.instance=None',)])
def test_estimate__is_near_what_the_allocator_hands_out(options):
    parts = estimate(config(*options), 'cpu', crop=CROP)['training']
    measured, predicted = measured_peak(config(*options)), sum(parts.values())
    assert predicted == pytest.approx(measured, rel=0.15)
    # Weights and what is as large as they are no guess: what is left has to be near as well.
    kept = predicted - parts[ACTIVATIONS]
    assert parts[ACTIVATIONS] == pytest.approx(measured - kept, rel=0.15)


def test_estimate__knows_the_parts():
    peaks = estimate(config(), 'cuda', picture=(64, 128), crop=CROP)
    parts = peaks['training']
    # Gradients are as large as the weights, AdamW keeps two numbers for each.
    assert parts['gradients'] == pytest.approx(parts['student'], rel=0.01)
    assert parts['optimizer'] == pytest.approx(2 * parts['student'], rel=0.01)
    assert parts['teacher'] == pytest.approx(parts['student'], rel=0.01)
    assert parts['ImageNet network'] == pytest.approx(parts['student'], rel=0.01)
    assert parts[ACTIVATIONS] > 0
    assert set(peaks['testing']) == {'student', ACTIVATIONS}


def test_live_memory__counts_memory_once_and_until_it_is_gone():
    with LiveMemory() as memory:
        first = torch.empty(100)
        view = first[:50]
        second = first + 1
        assert memory.peak == 800
        del first, second
        memory.restart()
        assert memory.peak == 400
        memory.name('kept', [view])
        more = view * 2
    assert memory.parts_at_peak == {ACTIVATIONS: 200, 'kept': 400}
    assert len(more) == 50


def test_live_memory__sees_what_autograd_keeps():
    weight = torch.ones(100, requires_grad=True)
    with LiveMemory() as memory:
        product = (weight * 2).exp().sum()
        memory.restart()
        kept = memory.peak
        product.backward()
        memory.restart()
    # The exponential was kept; what is left is the sum, and the gradient.
    assert kept == 404
    assert memory.peak == 404


def test_size_in_tests__keeps_the_ratio_of_pictures():
    assert size_in_tests(load_config(B0), (1024, 2048)) == (512, 1024)
    assert size_in_tests(load_config(B0), (1000, 1000)) == (512, 512)
