import torch
from torch import nn

from mmseg.core.hooks.processes_hook import average_statistics
from mmseg.utils.distributed import rank
from tests.processes import run_processes


def network():
    return nn.Sequential(nn.BatchNorm2d(2), nn.Sequential(nn.BatchNorm1d(1)), nn.LayerNorm(2))


def averaged():
    model = network()
    outer, inner = model[0], model[1][0]
    outer.running_mean.copy_(torch.tensor([1.0, 10.0]) * rank())
    inner.running_var.fill_(3.0 + rank())
    average_statistics(model)
    return [t.tolist() for t in (outer.running_mean, outer.running_var, inner.running_var)]


def test_average_statistics__all_processes_get_the_means():
    assert run_processes(3, averaged) == [[[1, 10], [1, 1], [4]]] * 3


def test_average_statistics__networks_without_batch_norm_need_nothing():
    average_statistics(nn.LayerNorm(2))
    average_statistics(nn.BatchNorm2d(2, track_running_stats=False))
