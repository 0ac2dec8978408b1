"""What the config files come to once their bases are merged in."""

import json
import logging
from pathlib import Path

import pytest
from mmcv.runner import IterBasedRunner, build_optimizer
from mmcv.utils import Config
from torch import nn

from mmseg.core.evaluation import get_classes, get_palette
from mmseg.experiments.configs import DATASET_BASES
from mmseg.experiments.table import generate_experiment_cfgs

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs'
GOLDEN = ROOT / 'tests' / 'golden'
PUBLISHED = json.loads((GOLDEN / 'merged_configs.json').read_text())
HRDA_AND_MIC = json.loads((GOLDEN / 'hrda_mic_merged_configs.json').read_text())
LEARNING_RATES = json.loads((GOLDEN / 'lr_schedules.json').read_text())


def merged(config, tmp_path):
    """Return a generated config with its bases merged in, tuples as lists."""
    bases = [str(CONFIGS / base) for base in config['_base_']]
    path = tmp_path / 'config.json'
    path.write_text(json.dumps({**config, '_base_': bases}))
    return plain(Config.fromfile(str(path)))


def plain(config):
    return json.loads(json.dumps(config._cfg_dict.to_dict()))


@pytest.mark.parametrize('id', [7, 8])
def test_base_configs__daformer_in_place_of_dida_is_the_published_config(id, tmp_path):
    text = json.dumps(generate_experiment_cfgs(id)[0])
    text = text.replace('uda/dida.py', 'uda/dacs_a999_fdthings.py')
    config = json.loads(text.replace('dida_rcs', 'dacs_a999_fdthings_rcs'))
    assert merged(config, tmp_path) == PUBLISHED[str(id)]


def without_folders(config):
    """Leave out where ACDC and Dark Zurich lie: their data sets here are told the part instead."""
    for data in (config['data']['val'], config['data']['test'], config['data']['train']['target']):
        if data['type'] in ('ACDCDataset', 'DarkZurichDataset'):
            for key in ('img_dir', 'ann_dir', 'part'):
                data.pop(key, None)
    return config


@pytest.mark.parametrize('name', sorted(HRDA_AND_MIC))
def test_base_configs__hrda_and_mic_are_the_published_configs(name, tmp_path):
    published = dict(HRDA_AND_MIC[name])
    id = 80 if 'mic' in name else 40
    (generated,) = (
        config
        for config in generate_experiment_cfgs(id, seeds=[0])
        if config['name_dataset'] == published['name_dataset']
    )
    ours = merged(generated, tmp_path)
    # Notes of the published files, and what each says of its defaults.
    for key in ('gpu_model', 'name', 'exp', 'seed'):
        published.pop(key), ours.pop(key, None)
    published['log_config'].pop('img_interval')
    defaults = ['source_only']
    if published['uda'].get('mask_mode') is None:
        defaults += [key for key in published['uda'] if key.startswith('mask_')]
    for key in defaults:
        published['uda'].pop(key, None)
    for key in ('data_root', 'dataset_type'):  # leftovers of the bases
        published.pop(key, None), ours.pop(key, None)
    ours['uda'].get('mask_generator', {}).pop('_delete_', None)
    assert without_folders(ours) == without_folders(published)


@pytest.mark.parametrize('id', [7, 8])
def test_base_configs__dida_adds_the_instance_level_and_nothing_else(id, tmp_path):
    uda = merged(generate_experiment_cfgs(id)[0], tmp_path)['uda']
    assert uda.pop('instance')['num_entries'] == 300
    assert uda == PUBLISHED[str(id)]['uda']


@pytest.mark.parametrize('id', [7, 8, 20, 86])
def test_leaf_configs__are_what_the_experiment_generates(id, tmp_path):
    for generated in generate_experiment_cfgs(id):
        leaf = Config.fromfile(str(CONFIGS / 'dida' / f'{generated["name"]}.py'))
        assert plain(leaf) == merged(generated, tmp_path)


def test_leaf_configs__of_two_sources_and_two_targets_is_what_the_experiment_generates(tmp_path):
    (generated,) = (c for c in generate_experiment_cfgs(22) if c['name_uda'].startswith('dida'))
    leaf = Config.fromfile(str(CONFIGS / 'dida' / f'{generated["name"]}.py'))
    assert plain(leaf) == merged(generated, tmp_path)


@pytest.mark.parametrize(
    ('id', 'path'), [(40, 'hrda/gtaHR2csHR_hrda'), (80, 'mic/gtaHR2csHR_mic_hrda')]
)
def test_leaf_configs__are_the_published_files(id, path, tmp_path):
    leaf = plain(Config.fromfile(str(CONFIGS / f'{path}.py')))
    published = HRDA_AND_MIC[path.rpartition('/')[2]]
    assert {key: leaf[key] for key in ('name', 'exp', 'seed')} == {
        key: published[key] for key in ('name', 'exp', 'seed')
    }
    generated = merged(generate_experiment_cfgs(id, seeds=[leaf['seed']])[0], tmp_path)
    assert leaf == {**generated, 'name': leaf['name'], 'exp': leaf['exp']}


@pytest.mark.parametrize('path', sorted((CONFIGS / '_base_').rglob('*.py')), ids=lambda p: p.stem)
def test_base_configs__each_file_can_be_read_by_itself(path):
    assert plain(Config.fromfile(str(path)))


def read_dataset(name):
    return plain(Config.fromfile(str(CONFIGS / '_base_' / 'datasets' / f'{name}.py')))


def without_photometry(dataset):
    """Leave out of a data set's config what only training without adaptation does."""
    if 'datasets' in dataset:
        return {**dataset, 'datasets': [without_photometry(each) for each in dataset['datasets']]}
    steps = [step for step in dataset['pipeline'] if step['type'] != 'PhotoMetricDistortion']
    return {**dataset, 'pipeline': steps}


def parts_of(dataset):
    return dataset.get('datasets', [dataset])


@pytest.mark.parametrize('file', DATASET_BASES.values())
def test_dataset_configs__adaptation_takes_the_same_source_and_validation_set(file):
    name = file.removesuffix('.py')
    alone, uda = read_dataset(name), read_dataset(f'uda_{name}')
    assert uda['data']['train']['source'] == without_photometry(alone['data']['train'])
    assert (uda['data']['val'], uda['data']['test']) == (
        alone['data']['val'],
        alone['data']['test'],
    )
    target, val = uda['data']['train']['target'], uda['data']['val']
    assert [(part['type'], part['data_root']) for part in parts_of(target)] == [
        (part['type'], part['data_root']) for part in parts_of(val)
    ]


@pytest.mark.parametrize('file', DATASET_BASES.values())
def test_dataset_configs__target_images_of_training_are_not_those_of_validation(file):
    data = read_dataset(f'uda_{file.removesuffix(".py")}')['data']
    for domain, part in ((data['train']['target'], 'train'), (data['val'], 'val')):
        for dataset in parts_of(domain):
            assert part in (dataset.get('part'), *dataset['img_dir'].split('/'))


@pytest.mark.parametrize('pair', ['gta_to_cityscapes', 'synthia_to_cityscapes'])
def test_dataset_configs__published_training_without_adaptation_varies_the_photometry(pair):
    pipeline = read_dataset(f'{pair}_512x512')['data']['train']['pipeline']
    assert [step['type'] for step in pipeline[4:7]] == [
        'RandomFlip',
        'PhotoMetricDistortion',
        'Normalize',
    ]


def test_dataset_configs__target_only_learns_what_the_others_are_measured_on():
    half, uda = read_dataset('cityscapes_half_512x512'), read_dataset('gta_to_cityscapes_512x512')
    assert half['data']['val'] == uda['data']['val'] and half['data']['test'] == uda['data']['test']
    train = half['data']['train']
    assert (train['img_dir'], train['ann_dir']) == ('leftImg8bit/train', 'gtFine/train')
    assert train['pipeline'][2]['img_scale'] == [1024, 512]


def test_dataset_configs__photographs_are_measured_on_the_classes_they_label():
    config = Config.fromfile(str(CONFIGS / '_base_/datasets/camvid_day_to_camvid_dusk.py'))
    assert len(config.data.val.eval_classes) == 11
    assert config.data.test.eval_classes == config.data.val.eval_classes


def test_dataset_configs__sets_with_mapping_files_have_the_names_of_cityscapes():
    for data in (
        read_dataset('urbansyn_to_cityscapes_512x512')['data']['train'],
        read_dataset('cityscapes_to_bdd100k_512x512')['data']['val'],
    ):
        assert data['classes'] == list(get_classes('cityscapes'))
        assert data['palette'] == get_palette('cityscapes')


class Network(nn.ModuleDict):
    def train_step(self, batch, optimizer):
        raise AssertionError('learning rates need no training')


@pytest.mark.parametrize('name', ['poly10warm', 'poly10'])
def test_schedules__learning_rates_are_the_published_ones(name, tmp_path):
    schedule = Config.fromfile(str(CONFIGS / f'_base_/schedules/{name}.py'))
    optimizer_cfg = Config.fromfile(str(CONFIGS / '_base_/schedules/adamw.py')).optimizer
    optimizer_cfg.paramwise_cfg = generate_experiment_cfgs(7)[0]['optimizer']['paramwise_cfg']
    network = Network({'backbone': nn.Linear(1, 1), 'head': nn.Linear(1, 1)})
    runner = IterBasedRunner(
        network,
        optimizer=build_optimizer(network, optimizer_cfg),
        work_dir=str(tmp_path),
        logger=logging.getLogger('schedules'),
        max_iters=40000,
    )
    runner.register_lr_hook(schedule.lr_config)
    runner.call_hook('before_run')
    for iteration, *expected in LEARNING_RATES[name]:
        runner._iter = iteration
        runner.call_hook('before_train_iter')
        rates = sorted({group['lr'] for group in runner.optimizer.param_groups})
        assert rates == pytest.approx(expected, rel=1e-6)
