import pytest
from mmcv.utils import Config

from mmseg.apis.config_compat import translate
from mmseg.utils.errors import UserError


def translated(**config):
    config = Config(config)
    translate(config)
    return config


@pytest.mark.parametrize(
    ('more', 'loss_scale'),
    [
        ({'optimizer_config': {'loss_scale': 256.0}}, 256),
        ({'optimizer_config': {'loss_scale': 'dynamic'}, 'fp16': {}}, 'dynamic'),
        ({'optimizer_config': {}, 'fp16': {}}, 512),
        ({'optimizer_config': {}, 'fp16': {'loss_scale': 128.0}, 'amp': 'fp16'}, 128),
    ],
)
def test_translate__the_hook_for_float16_is_amp_with_its_loss_scale(more, loss_scale):
    hook = {'type': 'Fp16OptimizerHook', 'grad_clip': {'max_norm': 1}, **more['optimizer_config']}
    config = translated(**{**more, 'optimizer_config': hook})
    assert config.amp == 'fp16' and config.loss_scale == loss_scale and 'fp16' not in config
    assert config.optimizer_config == {'type': 'OptimizerHook', 'grad_clip': {'max_norm': 1}}


def test_translate__windows_in_float16_keep_their_length():
    hook = {'type': 'GradientCumulativeFp16OptimizerHook', 'cumulative_iters': 4}
    config = translated(optimizer_config=hook)
    assert config.optimizer_config == {
        'type': 'GradientCumulativeOptimizerHook',
        'cumulative_iters': 4,
    }


@pytest.mark.parametrize('config', [{}, {'optimizer_config': None}, {'optimizer_config': {}}])
def test_translate__other_configs_stay_as_they_are(config):
    assert translated(**config)._cfg_dict == Config(config)._cfg_dict


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ({'optimizer_config': {'type': 'Fp16OptimizerHook'}, 'amp': 'bf16'}, "amp is 'bf16'"),
        ({'fp16': {'loss_scale': 512.0}}, "amp='fp16' trains in float16"),
    ],
)
def test_translate__settings_that_disagree_are_told(config, message):
    with pytest.raises(UserError, match=message):
        translated(**config)


def test_translate__parts_of_hrda_have_their_first_names():
    fusion = {'type': 'aspp', 'fusion': 'sum'}
    head = {
        'type': 'MultiResAttentionWrapper',
        'single_scale_head': 'UniHead',
        'decoder_params': {'fusion_cfg': fusion},
    }
    backbone = {'type': 'mit_b5', 'ema_drop_path_rate': 0.1}
    old = {'type': 'MultiResEncoderDecoder', 'backbone': backbone, 'decode_head': head}
    assert translated(model=old).model == {
        'type': 'HRDAEncoderDecoder',
        'backbone': {'type': 'mit_b5'},
        'decode_head': {
            'type': 'HRDAHead',
            'single_scale_head': 'DAFormerHead',
            'decoder_params': {'fusion_cfg': {'type': 'aspp'}},
        },
    }
    assert translated(model={'decode_head': {'type': 'UniHead'}}).model.decode_head.type == (
        'DAFormerHead'
    )
