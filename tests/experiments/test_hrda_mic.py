"""Experiments of HRDA and MIC, held against those of the published generator."""

import json

import pytest

from mmseg.experiments.configs import Run, config_of
from mmseg.experiments.hrda import split_decoder
from mmseg.experiments.table import generate_experiment_cfgs
from mmseg.utils.errors import UserError
from tests.golden import FOLDER

PUBLISHED = json.loads((FOLDER / 'hrda_mic_experiments.json').read_text())
# Methods that are not built.
NOT_BUILT = ('advseg', 'minent')


def plain(config):
    """Return a published config without its note on the card that it ran on."""
    return {key: value for key, value in config.items() if key != 'gpu_model'}


@pytest.mark.parametrize('id', PUBLISHED)
def test_generate_experiment_cfgs__are_the_published_ones_that_can_be_built(id):
    published = PUBLISHED[id]['runs']
    built = [run for run in published if not any(part in run['name'] for part in NOT_BUILT)]
    ours = generate_experiment_cfgs(int(id), seeds=[0])
    assert [config['name'] for config in ours] == [config['name'] for config in built]
    for config, expected in zip(ours, built, strict=True):
        assert config == plain(expected)


@pytest.mark.parametrize('id', sorted(set(PUBLISHED) - {'41', '81'}))
def test_generate_experiment_cfgs__have_the_published_seeds(id):
    configs = generate_experiment_cfgs(int(id))
    assert len(configs) == PUBLISHED[id]['num_runs']
    assert {config['seed'] for config in configs} == {0, 1, 2}


def test_generate_experiment_cfgs__dida_is_combined_with_both():
    configs = generate_experiment_cfgs(86)
    for config in configs:
        assert '_base_/uda/dida.py' in config['_base_']
    with_masks = ['mask_mode' in config.get('uda', {}) for config in configs]
    with_scales = ['hr_crop_size' in config['model'] for config in configs]
    assert with_masks == [True, False, True] * 2
    assert with_scales == [False, True, True] * 2


def test_config_of__options_and_decoders_that_there_are_not():
    with pytest.raises(UserError, match=r"hrda1-512-0\.1-blur: there is no option 'blur'"):
        config_of(Run('dacs', decoder='hrda1-512-0.1-blur_daformer_sepaspp'), 0)
    with pytest.raises(UserError, match=r'two scales are published with daformer, dlv2red'):
        config_of(Run('dacs', decoder='hrda1-512-0.1_segformer'), 0)
    assert split_decoder('daformer_sepaspp') == ('', 'daformer_sepaspp', False)
