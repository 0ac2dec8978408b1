import json
from pathlib import Path

import pytest

from mmseg.apis import load_config
from mmseg.apis.config import check_trainable
from mmseg.utils.errors import UserError

GOOD = {'model': {'type': 'EncoderDecoder'}, 'data': {'samples_per_gpu': 2}, 'name': 'x'}


def written(tmp_path, **changes):
    path = tmp_path / 'config.json'
    path.write_text(json.dumps({**GOOD, **changes}))
    return path


def test_load_config__options_change_nested_values_and_lists(tmp_path):
    path = written(tmp_path, runner={'type': 'IterBasedRunner', 'max_iters': 5})
    cfg = load_config(path, ['runner.max_iters=7', 'load_except=[a,b]', 'amp=None'])
    assert cfg.runner.max_iters == 7
    assert cfg.load_except == ['a', 'b']
    assert cfg.amp is None


def test_load_config__options_that_are_json_are_settings(tmp_path):
    backbone = {'type': 'ResNetV1c', 'depth': 50}
    path = written(tmp_path, model={'type': 'EncoderDecoder', 'backbone': backbone})
    cfg = load_config(path, ['model.backbone={"depth": 101, "stem": {"type": "v, w"}}'])
    merged = {'type': 'ResNetV1c', 'depth': 101, 'stem': {'type': 'v, w'}}
    assert cfg.model.backbone == merged
    cfg = load_config(path, ['model.backbone={"_delete_": true, "type": "mit_b0"}'])
    assert cfg.model.backbone == {'type': 'mit_b0'}
    cfg = load_config(path, ['data={"train": null}', 'model.auxiliary_head=[{"type": "FCNHead"}]'])
    assert cfg.data.train is None and cfg.model.auxiliary_head == [{'type': 'FCNHead'}]


@pytest.mark.parametrize('value', ['{', "{'type': 1}", '[{"type": 1}', '{type=mit_b0}'])
def test_load_config__options_that_would_be_json_are_told_where_they_are_not(tmp_path, value):
    with pytest.raises(UserError, match=r'--options model.backbone: .* is not JSON, .* character'):
        load_config(written(tmp_path), [f'model.backbone={value}'])


@pytest.mark.parametrize('name', ['optimizer_config', 'lr_config', 'evaluation'])
def test_load_config__options_put_settings_where_the_config_has_none(tmp_path, name):
    cfg = load_config(written(tmp_path, **{name: None}), [f'{name}.by_epoch=False'])
    assert cfg[name] == {'by_epoch': False}
    deep = load_config(
        written(tmp_path, optimizer_config=None), ['optimizer_config.a.b=1', 'seed=2']
    )
    assert deep.optimizer_config == {'a': {'b': 1}} and deep.seed == 2


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


def test_load_config__a_python_config_says_that_it_is_code(tmp_path, capsys):
    (tmp_path / 'a.py').write_text(f'model = {{}}\ndata = {GOOD["data"]}\n')
    load_config(tmp_path / 'a.py')
    assert 'a.py is a Python config: its code is run' in capsys.readouterr().err
    load_config(written(tmp_path))
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('base', ['evil.py', ['good.json', 'evil.py'], 'between.json', 'x.yaml'])
def test_load_config__no_code_comes_in_by_the_bases_of_a_json_config(tmp_path, base):
    (tmp_path / 'evil.py').write_text('import os\nos.mkdir("made")')
    (tmp_path / 'good.json').write_text('{}')
    (tmp_path / 'between.json').write_text('{"_base_": ["evil.py"]}')
    with pytest.raises(UserError, match='runs no code'):
        load_config(written(tmp_path, _base_=base))


@pytest.mark.parametrize('base', ['config.json', 'between.json'])
def test_load_config__a_config_is_no_base_of_itself(tmp_path, base):
    (tmp_path / 'between.json').write_text('{"_base_": ["config.json"]}')
    with pytest.raises(UserError, match=r'config\.json has it as a base itself'):
        load_config(written(tmp_path, _base_=base))


def test_load_config__two_bases_may_share_one(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / f'{name}.json').write_text('{"_base_": "shared.json"}')
    (tmp_path / 'shared.json').write_text('{"seed": 3}')
    assert load_config(written(tmp_path, _base_=['a.json'])).seed == 3
    (tmp_path / 'shared.json').write_text('{}')
    assert load_config(written(tmp_path, _base_=['a.json', 'b.json'])).name == 'x'


def test_load_config__this_projects_own_configs_may_be_the_base_of_a_json_config(tmp_path):
    base = str(Path(__file__).resolve().parents[2] / 'configs/_base_/schedules/sgd.py')
    assert load_config(written(tmp_path, _base_=base)).optimizer.type == 'SGD'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'seed': 'x'}, "seed: expected a whole number from 0, got 'x'"),
        ({'data': {'workers_per_gpu': -1}}, r'data\.workers_per_gpu: expected a whole number from'),
        ({'runner': {'max_iters': '9'}}, r"runner\.max_iters: expected .*, got '9'"),
        ({'model': 7}, 'model: expected a dict, got 7'),
        ({'log_level': 'LOUD'}, "log_level: expected a level of logging, .*, got 'LOUD'"),
    ],
)
def test_load_config__values_of_wrong_types_are_named(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        load_config(written(tmp_path, **change))


@pytest.mark.parametrize(
    'option', ['crop_size=[64,64]', 'norm_cfg.type=GN', '_size=3', 'train_pipeline.0.type=X']
)
def test_load_config__options_that_come_too_late_are_told(tmp_path, option):
    path = written(tmp_path, crop_size=[32, 32], norm_cfg={'type': 'BN'}, train_pipeline=[{}])
    with pytest.raises(UserError, match='only helps to write the config, and nobody reads it'):
        load_config(path, [option])


@pytest.mark.parametrize('option', ['name=y', 'exp=3', 'n_gpus=2'])
def test_load_config__options_may_name_a_run(tmp_path, option):
    assert load_config(written(tmp_path), [option])


def test_load_config__settings_of_phases_beside_the_model_belong_to_it(tmp_path):
    windows = {'mode': 'slide', 'crop_size': [32, 32], 'stride': [16, 16]}
    cfg = load_config(written(tmp_path, test_cfg=windows, train_cfg={}))
    assert cfg.model.test_cfg == windows and cfg.model.train_cfg == {} and 'test_cfg' not in cfg
    model = {'type': 'EncoderDecoder', 'test_cfg': {'mode': 'whole'}}
    with pytest.raises(UserError, match=r'test_cfg and model\.test_cfg say different things'):
        load_config(written(tmp_path, test_cfg=windows, model=model))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'channels_last': 'yes'}, "channels_last: expected True or False, got 'yes'"),
        ({'compile': 1}, 'compile: expected True or False, got 1'),
        ({'cudnn_benchmark': 'no'}, 'cudnn_benchmark: expected True or False'),
        ({'data': {'test_samples_per_gpu': 0}}, r'data\.test_samples_per_gpu: expected a whole'),
        ({'dist_params': {'sync_bn': 'all'}}, r'dist_params\.sync_bn: expected True or False'),
        ({'lr_may_rise': 'why not'}, 'lr_may_rise: expected True, False or a learning rate'),
    ],
)
def test_load_config__flags_are_true_or_false(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        load_config(written(tmp_path, **change))


def test_check_trainable__names_what_is_missing(tmp_path):
    with pytest.raises(
        UserError, match=r'the config lacks optimizer and runner\.max_iters and data\.train and'
    ):
        check_trainable(load_config(written(tmp_path)))
    data = {'samples_per_gpu': 2, 'workers_per_gpu': 0, 'train': {}}
    whole = {'optimizer': {'type': 'SGD'}, 'runner': {'type': 'IterBasedRunner', 'max_iters': 2}}
    check_trainable(load_config(written(tmp_path, data=data, **whole)))
    lacking = {**data, 'workers_per_gpu': None}
    with pytest.raises(UserError, match=r'lacks data\.workers_per_gpu, which training needs'):
        check_trainable(load_config(written(tmp_path, data=lacking, **whole)))
