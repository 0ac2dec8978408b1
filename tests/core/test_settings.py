"""Settings are read, checked and documented in one place."""

import pytest

from mmseg.core.settings import (
    ALL_SETTINGS,
    DataSettings,
    EvaluationSettings,
    LoggingSettings,
    RunnerSettings,
    TrainingSettings,
    check_settings,
    missing_to_train,
)
from mmseg.utils.errors import UserError


def test_of__what_is_left_out_or_none_has_its_default():
    assert LoggingSettings.of({}).interval == 50
    assert LoggingSettings.of({'log_config': None}).interval == 50
    settings = LoggingSettings.of({'log_config': {'interval': 7, 'hooks': None}})
    assert settings.interval == 7 and settings.hooks == ({'type': 'TextLoggerHook'},)


def test_of__none_counts_where_it_says_something():
    assert EvaluationSettings.of({}).save_best == 'auto'
    assert EvaluationSettings.of({'evaluation': {'save_best': None}}).save_best is None


@pytest.mark.parametrize(
    ('settings', 'config', 'told'),
    [
        (RunnerSettings, {'runner': 3}, 'config key runner: expected a dict, got 3'),
        (
            RunnerSettings,
            {'runner': {'max_iters': True}},
            r'runner\.max_iters: .*above 0, got True',
        ),
        (DataSettings, {'data': {'samples_per_gpu': 0}}, r'data\.samples_per_gpu: .*, got 0'),
        (TrainingSettings, {'model': {'backbone': 7}}, r'model\.backbone: expected a dict, got 7'),
        (TrainingSettings, {'max_skipped_steps': 0}, 'max_skipped_steps: .* above 0, got 0'),
    ],
)
def test_of__a_value_of_the_wrong_kind_is_named(settings, config, told):
    with pytest.raises(UserError, match=told):
        settings.of(config)


def test_check_settings__unknown_keys_are_named_with_the_nearest():
    with pytest.raises(UserError, match=r"'dist_params\.sync_bm' is read by nobody; .*'sync_bn'"):
        check_settings({'dist_params': {'sync_bm': True}})
    with pytest.raises(UserError, match=r"'modle' is read by nobody; did you mean .*'model'"):
        check_settings({'modle': {}})
    check_settings({'name_uda': 'x', '_mine': 3, 'seed': 1, 'evaluation': {'pre_eval': True}})


def test_missing_to_train__names_what_there_is_no_default_for():
    whole = {
        'optimizer': {'type': 'SGD'},
        'runner': {'max_iters': 3},
        'data': {'train': {}, 'samples_per_gpu': 1, 'workers_per_gpu': 0},
    }
    assert not list(missing_to_train(whole))
    assert list(missing_to_train({**whole, 'runner': None})) == ['runner.max_iters']


@pytest.mark.parametrize('settings', ALL_SETTINGS)
def test_settings__defaults_are_of_their_kinds_and_every_field_has_a_help(settings):
    assert settings() == settings.of({})
    for name, meaning in settings.meanings().items():
        assert meaning.help.endswith('.'), name
        assert meaning.help[0].isupper() or meaning.help[0] in "'`", name
