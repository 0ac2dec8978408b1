import json

import pytest

from mmseg.apis import load_config
from mmseg.utils.errors import UserError

GOOD = {'model': {'type': 'EncoderDecoder'}, 'data': {'samples_per_gpu': 2}, 'name': 'x'}


def written(tmp_path, **changes):
    path = tmp_path / 'config.json'
    path.write_text(json.dumps({**GOOD, **changes}))
    return path


def test_load_config__options_change_nested_values_and_lists(tmp_path):
    path = written(tmp_path, runner={'type': 'IterBasedRunner', 'max_iters': 5})
    cfg = load_config(path, ['runner.max_iters=7', 'data.samples_per_gpu=[1,2]', 'amp=None'])
    assert cfg.runner.max_iters == 7
    assert cfg.data.samples_per_gpu == [1, 2]
    assert cfg.amp is None


@pytest.mark.parametrize(
    ('key', 'nearest'),
    [('modle', 'model'), ('optimiser', 'optimizer'), ('evalution', 'evaluation')],
)
def test_load_config__a_key_nobody_reads_names_the_nearest(tmp_path, key, nearest):
    with pytest.raises(UserError, match=f"'{key}' is read by nobody; did you mean .*'{nearest}'"):
        load_config(written(tmp_path, **{key: 1}))


@pytest.mark.parametrize(
    ('section', 'key'),
    [('data', 'sample_per_gpu'), ('runner', 'max_iter'), ('evaluation', 'intervall')],
)
def test_load_config__unknown_keys_of_sections_are_found_too(tmp_path, section, key):
    with pytest.raises(UserError, match=rf"'{section}\.{key}' is read by nobody"):
        load_config(written(tmp_path, **{section: {key: 1}}))


@pytest.mark.parametrize(
    'key', ['gta_train_pipeline', 'img_norm_cfg', 'name_uda', 'exp', 'n_gpus', '_anything']
)
def test_load_config__what_published_configs_carry_along_is_taken(tmp_path, key):
    assert key in load_config(written(tmp_path, **{key: 1}))


@pytest.mark.parametrize('option', ['runner.max_iters', '=3', 'data.train=[(1]'])
def test_load_config__malformed_options_are_user_errors(tmp_path, option):
    with pytest.raises(UserError, match='--options'):
        load_config(written(tmp_path), [option])


# mmcv leaves a temporary file open when a config fails.
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('a.json', '{"model": ', 'line 1: not JSON'),
        ('a.py', 'x = 1\ny = = 3', 'line 2'),
        ('a.py', 'raise KeyError("gone")', 'cannot be read: KeyError'),
        ('a.py', '_base_ = ["gone.py"]', 'cannot be read'),
        ('a.txt', '', r'expected a \.py or \.json'),
        ('a.json', '{"name": "x"}', 'lacks model and data'),
        ('a.json', '{"model": {}, "data": 3}', 'data: expected a dict, got 3'),
    ],
)
def test_load_config__unreadable_configs_say_what_is_wrong(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        load_config(tmp_path / name)
