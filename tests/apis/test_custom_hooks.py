import pytest
from mmcv.runner import HOOKS, Hook

from mmseg.apis.custom_hooks import build_custom_hooks
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

get_root_logger()  # the first call sets it up, past what catches its lines


@HOOKS.register_module()
class ByIterations(Hook):
    def after_train_iter(self, runner):
        pass


@HOOKS.register_module()
class ByEpochs(Hook):
    def after_train_epoch(self, runner):
        pass

    def after_val_iter(self, runner):
        pass


def test_build_custom_hooks__hooks_come_with_their_priorities(caplog):
    given = [{'type': 'ByIterations'}, {'type': 'ByIterations', 'priority': 'VERY_LOW'}]
    built = build_custom_hooks([*given, {'type': 'ByIterations', 'priority': 35}])
    assert [type(hook) for hook, _ in built] == [ByIterations] * 3
    assert [priority for _, priority in built] == ['NORMAL', 'VERY_LOW', 35]
    assert given[1]['priority'] == 'VERY_LOW' and not caplog.records


def test_build_custom_hooks__what_will_never_be_called_is_said(caplog):
    build_custom_hooks([{'type': 'ByEpochs'}])
    assert 'of ByEpochs, after_train_epoch and after_val_iter will never be called' in caplog.text


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ({'type': 'ByIteration'}, "there is no hook 'ByIteration'; did you mean 'ByIterations'"),
        ({'type': 'ByIterations', 'x': 1}, "ByIterations has no setting 'x'"),
        ({'type': 'ByIterations', 'priority': 'LOWW'}, "priority 'LOWW' is none: a number"),
        ({'type': 'ByIterations', 'priority': 101}, 'priority 101 is none'),
        ({'type': 'ByIterations', 'priority': None}, 'priority None is none'),
        ({'type': 'OptimizerHook'}, 'OptimizerHook belongs into optimizer_config'),
        ({'type': 'Fp16OptimizerHook'}, 'Fp16OptimizerHook belongs into optimizer_config'),
        ({'type': 'FixedLrUpdaterHook'}, 'FixedLrUpdaterHook belongs into lr_config'),
    ],
)
def test_build_custom_hooks__mistakes_are_one_line(config, message):
    with pytest.raises(UserError, match=message):
        build_custom_hooks([config])
