import warnings

import pytest
import torch

from mmseg.utils import determinism


@pytest.fixture(autouse=True)
def put_back(monkeypatch):
    monkeypatch.setattr(determinism, '_found', [])
    monkeypatch.setattr(warnings, 'showwarning', warnings.showwarning)
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    with warnings.catch_warnings():
        warnings.simplefilter('always')
        warnings.showwarning = lambda *_args, **_keywords: None
        yield
    torch.use_deterministic_algorithms(False)


def test_make_deterministic__operations_without_a_repeatable_form_are_named_once(capsys):
    determinism.make_deterministic()
    for _ in range(2):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    assert determinism.nondeterministic_operations() == ['put_']
    assert capsys.readouterr().out.count('put_ has no repeatable form') == 1


def test_make_deterministic__other_warnings_are_shown_as_before():
    shown = []
    warnings.showwarning = lambda message, *_: shown.append(str(message))
    determinism.make_deterministic()
    warnings.warn('something else', stacklevel=1)
    assert shown == ['something else']
    assert determinism.nondeterministic_operations() == []
