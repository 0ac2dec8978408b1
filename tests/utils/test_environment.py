import numpy as np
import pytest
import torch

from mmseg.utils.environment import (
    choose_device,
    collect_env,
    git_revision,
    peak_memory_gb,
)
from mmseg.utils.errors import UserError


def pretend_gpus(monkeypatch, count: int):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    monkeypatch.setattr(torch.cuda, 'set_device', lambda index: None)


def test_choose_device__a_gpu_id_without_cuda_is_an_error(monkeypatch):
    pretend_gpus(monkeypatch, 0)
    monkeypatch.setattr(torch.version, 'cuda', '13.0')
    with pytest.raises(UserError, match='no CUDA device'):
        choose_device(0)


def test_choose_device__a_gpu_id_where_pytorch_is_built_for_cpus_is_another(monkeypatch):
    pretend_gpus(monkeypatch, 0)
    monkeypatch.setattr(torch.version, 'cuda', None)
    monkeypatch.setattr(torch.version, 'hip', None)
    with pytest.raises(UserError, match=r'PyTorch \S+, built for CPUs'):
        choose_device(0)


@pytest.mark.parametrize('gpu_id', [-1, 2])
def test_choose_device__an_index_that_is_not_there_names_those_that_are(monkeypatch, gpu_id):
    pretend_gpus(monkeypatch, 2)
    with pytest.raises(UserError, match='GPUs 0 to 1'):
        choose_device(gpu_id)


@pytest.mark.parametrize(
    ('count', 'gpu_id', 'expected'), [(0, None, 'cpu'), (2, None, 'cuda:0'), (2, 1, 'cuda:1')]
)
def test_choose_device__takes_what_is_asked_for_or_there(monkeypatch, count, gpu_id, expected):
    pretend_gpus(monkeypatch, count)
    assert choose_device(gpu_id) == torch.device(expected)


def test_collect_env__names_the_versions_that_run():
    report = collect_env()
    assert report['numpy'] == np.__version__
    assert report['torch'] == torch.__version__.partition('+')[0]
    assert report['git revision'] == git_revision()


def test_peak_memory_gb__sees_a_large_array():
    before = peak_memory_gb(torch.device('cpu'))
    array = np.ones(int(before * 1024**3) // 8 + 2**25)
    assert peak_memory_gb(torch.device('cpu')) >= before + 0.2
    del array
