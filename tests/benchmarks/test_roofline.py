"""The least time of a step follows from what is computed and moved."""

import pytest
import torch

from benchmarks.fake_training import TrialTraining
from benchmarks.roofline import GPUS, Work, WorkByPhase, step_work, table
from mmseg.apis import load_config


def test_work_by_phase__counts_operations_and_each_byte_once():
    left, right = torch.ones(4, 8), torch.ones(8, 16)
    with WorkByPhase() as counter:
        product = left @ right.view(8, 16)
        product.add_(1)
    (work,) = counter.work.values()
    assert work.operations == 2 * 4 * 8 * 16
    # Two factors in and the product out, then the product in and out again.
    assert work.moved == 4 * (4 * 8 + 8 * 16 + 4 * 16 + 2 * 4 * 16)


def test_work__the_slower_of_computing_and_moving_counts():
    gpu, work = GPUS[0], Work()
    work.add(gpu.float32, 0, is_float32=True)
    assert work.seconds[gpu.name] == pytest.approx(1)
    work.add(gpu.bfloat16, 2 * gpu.bandwidth, is_float32=False)
    assert work.seconds[gpu.name] == pytest.approx(3)


def test_step_work__backward_takes_twice_what_forward_takes():
    cfg = load_config('benchmarks/gta2cs_dida_mitb0.py', ['data.samples_per_gpu=1'])
    work = step_work(TrialTraining(cfg, crop=(64, 96)))
    assert set(work) == {
        *('teacher, update', 'teacher, forward', 'views, labels', 'instance level', 'optimizer'),
        *('source, forward', 'source, backward', 'mixed, forward', 'mixed, backward'),
        'feature distance',
    }
    for part in ('source', 'mixed'):
        forward, backward = (work[f'{part}, {way}'].operations for way in ('forward', 'backward'))
        assert 1.9 * forward < backward < 2.2 * forward
    assert work['teacher, forward'].operations == work['mixed, forward'].operations
    assert table(work).splitlines()[-1].startswith('| all | ')
