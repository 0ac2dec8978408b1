import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import EXPERIMENTS, config_of, generate_experiment_cfgs
from mmseg.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = json.loads((ROOT / 'tests/golden/experiments.json').read_text())


def as_published(config):
    """Put DAFormer's base file and name in the place of DIDA's."""
    text = json.dumps(config)
    text = text.replace('uda/dida.py', 'uda/dacs_a999_fdthings.py')
    return json.loads(text.replace('dida_rcs', 'dacs_a999_fdthings_rcs'))


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


@pytest.mark.parametrize('id', [3, -1, 1000])
def test_generate_experiment_cfgs__unknown_id_lists_those_there_are(id):
    with pytest.raises(UserError, match=rf'no experiment {id}; choose one of 0, 7, 8, 9'):
        generate_experiment_cfgs(id)


@pytest.mark.parametrize('id', EXPERIMENTS)
def test_generate_experiment_cfgs__names_differ_and_all_is_plain_json(id):
    configs = generate_experiment_cfgs(id)
    assert len({config['name'] for config in configs}) == len(configs)
    assert json.loads(json.dumps(configs)) == configs


@pytest.mark.parametrize('id', EXPERIMENTS)
def test_generate_experiment_cfgs__base_files_are_there(id):
    for config in generate_experiment_cfgs(id):
        assert all((ROOT / 'configs' / base).is_file() for base in config['_base_'])


@pytest.mark.parametrize('id', [0, 9])
def test_generate_experiment_cfgs__methods_share_network_schedule_and_data(id):
    shared = ('model', 'optimizer', 'lr_config', 'runner', 'evaluation')
    configs = generate_experiment_cfgs(id, seeds=[0])
    assert {config['name_uda'].split('_')[0] for config in configs} >= {'source-only', 'dida'}
    for config in configs:
        assert [config[key] for key in shared] == [configs[0][key] for key in shared]
        assert config['data']['samples_per_gpu'] == configs[0]['data']['samples_per_gpu']


def test_generate_experiment_cfgs__photographs_run_three_methods_over_three_seeds():
    runs = [(c['name_uda'], c['seed']) for c in generate_experiment_cfgs(9)]
    methods = ('source-only', 'daformer_rcs0.01', 'dida_rcs0.01')
    assert runs == [(method, seed) for method in methods for seed in (0, 1, 2)]


def test_generate_experiment_cfgs__given_seeds_replace_the_listed_ones():
    assert [c['seed'] for c in generate_experiment_cfgs(0, seeds=[4, 5])] == [4, 5, 4, 5]
    assert [c['seed'] for c in generate_experiment_cfgs(9, seeds=[7])] == [7, 7, 7]


def test_generate_experiment_cfgs__a_changed_config_leaves_the_table_alone():
    first = generate_experiment_cfgs(9)
    first[-1]['uda']['instance']['num_entries'] = -1
    first[-1]['model']['pretrained'] = 'changed'
    assert generate_experiment_cfgs(9)[-1]['uda']['instance']['num_entries'] > 0
    assert generate_experiment_cfgs(9)[-1]['model']['pretrained'] is None


def test_config_of__source_only_has_no_adaptation():
    run = EXPERIMENTS[0].runs[0]
    config = config_of(run, 0)
    assert 'uda' not in config and 'optimizer_config' not in config
    assert not any('uda' in base for base in config['_base_'])
    assert config['data']['train'] == {}


def test_experiments__listing_needs_no_torch():
    code = "import sys, experiments; sys.argv[1:] = ['--list']; experiments.main(); "
    code += "assert not {'torch', 'mmcv', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for id, experiment in EXPERIMENTS.items():
        assert f'{id:>3}  {len(experiment.runs):>4}  {experiment.title}' in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
