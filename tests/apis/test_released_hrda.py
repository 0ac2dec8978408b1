"""Checkpoints of HRDA and MIC as they are given out: names, prefixes and older configs."""

import json
from collections import Counter

import pytest
import torch
from mmcv.utils import Config

from mmseg.apis.config_compat import translate
from mmseg.apis.inference import init_segmentor
from mmseg.core.checkpoint import UnfitWeightsError
from mmseg.models import build_segmentor, build_train_model
from tests.configs.composed import BASES
from tests.golden import FOLDER
from tests.models.segmentors.test_hrda_encoder_decoder import small_hrda

CHECKPOINTS = json.loads((FOLDER / 'hrda_mic_state_dict_keys.json').read_text())['checkpoints']
MODELS = {
    'hrda_daformer_sepaspp_mitb5': 'hrda1-512-0.1_daformer_sepaspp_mitb5',
    'hrda_dlv2red_r101v1c': 'hrda1-512-0.1_dlv2red_r101v1c',
}
MASKS = {
    'mask_mode': 'separatetrg',
    'mask_generator': {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 64},
}
METHODS = {'dacs': {}, 'mic': MASKS, 'mic_own_teacher': {**MASKS, 'mask_alpha': 0.9}}


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('name', MODELS)
def test_train_model__holds_its_networks_under_the_published_prefixes(name, method, tmp_path):
    model = Config.fromfile(BASES / f'models/{MODELS[name]}.py').model
    weights = tmp_path / 'imagenet.pth'
    weights.write_bytes(b'')  # there, and not read before weights are initialised
    model.pretrained = str(weights)
    uda = {'type': 'DACS', 'imnet_feature_dist_lambda': 0.005, **METHODS[method]}
    with torch.device('meta'):
        state = build_train_model({'model': model, 'uda': uda, 'seed': 0}).state_dict()
    prefixes = ('mic.teacher.ema_model.', 'ema_model.', 'imnet_model.', 'model.')
    counts = Counter(
        next((prefix for prefix in prefixes if key.startswith(prefix)), 'own') for key in state
    )
    counts.pop('own')
    published = CHECKPOINTS[name][method]
    assert sorted(counts) == published['prefixes']
    assert sum(counts.values()) == published['num_entries']


def older(model):
    """Return the config of a network of two scales in the names that they had at first."""
    head = {
        **model['decode_head'],
        'type': 'MultiResAttentionWrapper',
        'single_scale_head': 'UniHead',
    }
    backbone = {**model['backbone'], 'ema_drop_path_rate': 0.1}
    return {
        **model,
        'type': 'MultiResEncoderDecoder',
        'decode_head': head,
        'backbone': backbone,
    }


@pytest.fixture
def released(tmp_path):
    """A training checkpoint of two scales, and the network whose weights it holds."""
    network = build_segmentor(small_hrda())
    state = {
        f'{prefix}.{key}': value
        for prefix in ('model', 'ema_model', 'imnet_model')
        for key, value in network.state_dict().items()
    }
    path = tmp_path / 'released.pth'
    torch.save({'state_dict': state, 'meta': {}}, path)
    return path, network


def test_init_segmentor__opens_a_released_checkpoint_by_its_older_config(released):
    path, network = released
    config = Config({'model': older(small_hrda())})
    translate(config)
    opened = init_segmentor(config, path, device='cpu', branch='ema_model')
    image = torch.randn(1, 3, 128, 128)
    network.eval()
    with torch.no_grad():
        expected = network.encode_decode(image, [{}])
        torch.testing.assert_close(opened.encode_decode(image, [{}]), expected)


def one_scale():
    two = small_hrda()
    head = {**two['decode_head'], 'type': 'DAFormerHead'}
    names = ('single_scale_head', 'hr_loss_weight', 'lr_loss_weight', 'attention_embed_dim')
    for name in names:
        head.pop(name, None)
    return {'type': 'EncoderDecoder', 'backbone': two['backbone'], 'decode_head': head}


def test_init_segmentor__two_scales_do_not_fit_one(released):
    path, _ = released
    message = r"two scales \(HRDA\) and this config has one scale: .*'HRDAEncoderDecoder'"
    with pytest.raises(UnfitWeightsError, match=message):
        init_segmentor(Config({'model': one_scale()}), path, device='cpu')


def test_init_segmentor__one_scale_does_not_fit_two(tmp_path):
    path = tmp_path / 'plain.pth'
    torch.save({'state_dict': build_segmentor(one_scale()).state_dict(), 'meta': {}}, path)
    message = r"one scale and this config has two scales \(HRDA\): .*'EncoderDecoder'"
    with pytest.raises(UnfitWeightsError, match=message):
        init_segmentor(Config({'model': small_hrda()}), path, device='cpu')
