"""Joining, and what cannot be shared out."""

import pytest
import torch
from torch import nn

from mmseg.apis.processes import join_processes, share_out
from mmseg.models import build_segmentor
from mmseg.utils.errors import UserError
from tests.models.networks import small_config
from tests.processes import run_processes

CPU = torch.device('cpu')


@pytest.fixture
def torchrun(monkeypatch):
    """The environment of the third of four processes."""
    place = {'WORLD_SIZE': 4, 'RANK': 2, 'LOCAL_RANK': 2, 'LOCAL_WORLD_SIZE': 4}
    for name, value in {'TORCHELASTIC_RUN_ID': 'x', **place}.items():
        monkeypatch.setenv(name, str(value))


def test_join_processes__one_process_joins_nothing(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with join_processes() as device:
        assert device == CPU
        assert not torch.distributed.is_initialized()


def test_join_processes__a_gpu_for_all_is_refused(torchrun):
    with pytest.raises(UserError, match='several processes take a GPU each'), join_processes(0):
        pass


def test_join_processes__more_processes_than_gpus_are_refused(torchrun, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 3)
    with pytest.raises(UserError, match='with 3 visible GPUs: start at most one'), join_processes():
        pass


def refusals():
    messages = []
    for model in (nn.Linear(2, 2), build_segmentor(small_config())):
        with pytest.raises(UserError) as caught:
            share_out(model, CPU, sync_bn=True)
        messages.append(str(caught.value))
    return messages


def test_share_out__says_what_several_processes_cannot_do():
    for messages in run_processes(2, refusals):
        assert messages[0] == 'Linear cannot be trained by several processes'
        assert messages[1].startswith('SyncBN runs on GPUs only')


def test_share_out__leaves_a_single_process_alone():
    model = nn.Sequential(nn.BatchNorm2d(2))
    share_out(model, CPU, sync_bn=True)
    assert type(model[0]) is nn.BatchNorm2d
