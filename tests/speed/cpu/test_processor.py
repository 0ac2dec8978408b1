"""What the processor is good at."""

import pytest
import torch

from mmseg.speed.cpu import processor


@pytest.fixture
def quicker(monkeypatch, tmp_path):
    """Ask a processor of which the system and PyTorch say something."""

    def ask(description, capability='AVX512'):
        path = tmp_path / 'cpuinfo'
        if description is not None:
            path.write_text(description, encoding='utf-8')
        monkeypatch.setattr(processor, '_DESCRIPTION', path)
        monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
        return processor.convolutions_multiply_quicker.__wrapped__()

    return ask


def test_convolutions__are_quicker_on_processors_with_avx512_that_are_not_of_intel(quicker):
    assert quicker('vendor_id : AuthenticAMD')


def test_convolutions__are_not_where_mkl_uses_the_whole_processor(quicker):
    assert not quicker('vendor_id : GenuineIntel')


@pytest.mark.parametrize('capability', ['AVX2', 'DEFAULT'])
def test_convolutions__are_not_without_avx512(quicker, capability):
    assert not quicker('vendor_id : AuthenticAMD', capability)


def test_convolutions__are_judged_by_what_python_knows_where_the_system_says_nothing(
    quicker, monkeypatch
):
    monkeypatch.setattr(processor.platform, 'processor', lambda: 'Intel64 Family 6')
    assert not quicker(None)
    monkeypatch.setattr(processor.platform, 'processor', lambda: 'AMD64 Family 26')
    assert quicker(None)


def test_convolutions__are_judged_once():
    assert processor.convolutions_multiply_quicker() in (True, False)
    processor.convolutions_multiply_quicker()
    assert processor.convolutions_multiply_quicker.cache_info().hits > 0
