import pytest
from mmcv.runner import HOOKS, Hook, IterTimerHook

from mmseg.apis.custom_hooks import build_custom_hooks
from mmseg.core.hooks.contract import NEVER_CALLED, Training, TrainingHook
from mmseg.utils.errors import UserError
from tests.core.hooks.training import TinySegmentor, make_runner, train

ASKED = [name for name in vars(TrainingHook) if name.startswith(('before_', 'after_'))]


class Notes(Hook):
    """Notes what is called, and what the training says of itself."""

    def __init__(self):
        self.calls = []
        self.shows_all = []


def noting(name):
    def note(self, runner):
        self.calls.append((name, runner.iter))
        if name == 'after_train_iter':
            self.shows_all.append(isinstance(runner, Training))

    return note


for name in (*ASKED, *NEVER_CALLED):
    setattr(Notes, name, noting(name))


def test_training__calls_what_the_contract_says_in_this_order(tmp_path):
    hook = Notes()
    train(make_runner(TinySegmentor(), tmp_path, 2, [hook, IterTimerHook()]))
    steps = [(name, i) for i in (0, 1) for name in ('before_train_iter', 'after_train_iter')]
    assert hook.calls == [('before_run', 0), *steps, ('after_run', 2)]
    assert hook.shows_all == [True, True]


def test_hooks__all_that_are_registered_keep_the_contract():
    ours = [kind for kind in HOOKS.module_dict.values() if kind.__module__.startswith('mmseg.')]
    assert len(ASKED) == 4 and len(ours) > 10
    for kind in ours:
        assert issubclass(kind, TrainingHook), kind


def test_build_custom_hooks__what_is_no_hook_is_named():
    class Watcher:
        def after_train_iter(self, runner):
            pass

    with pytest.raises(UserError, match='Watcher lacks after_run, before_run, before_train_iter'):
        build_custom_hooks([{'type': Watcher}])
