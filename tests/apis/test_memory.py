import numpy as np
import pytest
import torch

from mmseg.apis.memory import TRAINING_KNOBS, explained_memory
from mmseg.utils.errors import UserError

CPU = torch.device('cpu')


def test_explained_memory__names_the_settings_that_help():
    said = r'Tried to allocate 2\.00 GiB.*amp=bf16.*samples_per_gpu=1'
    with pytest.raises(UserError, match=said), explained_memory(CPU, TRAINING_KNOBS):
        raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB\nmore')


def test_explained_memory__other_errors_pass():
    with pytest.raises(RuntimeError, match='something else'), explained_memory(CPU, ''):
        raise RuntimeError('something else')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_explained_memory__on_a_gpu_it_says_how_much_there_was():
    cuda = torch.device('cuda')
    with pytest.raises(UserError, match='GiB are free'), explained_memory(cuda, TRAINING_KNOBS):
        torch.empty(1 << 50, device='cuda')


@pytest.mark.parametrize('allocate', [torch.empty, np.empty])
def test_explained_memory__on_a_cpu_too(allocate):
    said = 'out of memory: .*this process took up to .* GiB.; what helps: model.backbone'
    knobs = 'model.backbone.with_cp=True'
    with pytest.raises(UserError, match=said), explained_memory(CPU, knobs):
        allocate(1 << 46)
