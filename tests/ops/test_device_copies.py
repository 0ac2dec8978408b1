import pytest
import torch

from mmseg.ops import HostCopy, to_device


def test_to_device__on_the_cpu_nothing_is_copied():
    values = torch.arange(3.0)
    assert to_device(values, torch.device('cpu')) is values


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_to_device__does_not_wait():
    torch.cuda.set_sync_debug_mode('error')
    try:
        copied = to_device(torch.arange(3.0), torch.device('cuda'))
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert copied.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    'device',
    [
        'cpu',
        pytest.param(
            'cuda',
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
            ],
        ),
    ],
)
def test_host_copy__brings_the_values(device):
    copy = HostCopy(torch.arange(5, device=device) * 2)
    assert copy.wait().device.type == 'cpu' and copy.wait().tolist() == [0, 2, 4, 6, 8]
