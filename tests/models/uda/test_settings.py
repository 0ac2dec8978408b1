from types import SimpleNamespace

import pytest
import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.models import build_train_model
from mmseg.models.decode_heads import FCNHead
from mmseg.models.uda.instance_level import InstanceLevel
from mmseg.models.uda.settings import check_feature_distance, check_form, check_pair
from mmseg.utils.errors import UserError
from tests.models.networks import ARCHITECTURES, DECODERS, small_architecture, small_config
from tests.models.uda.stubs import student
from tests.models.uda.test_dacs import config

FUSION = {'type': 'conv', 'kernel_size': 1, 'norm_cfg': {'type': 'BN'}}


@pytest.mark.parametrize(
    ('setting', 'value', 'message'),
    [
        ('alpha', 1.0, r'a momentum in \[0, 1\), got 1.0'),
        ('alpha', -0.1, r'\[0, 1\)'),
        ('alpha', float('nan'), r'\[0, 1\)'),
        ('pseudo_threshold', 96.8, r'in \[0, 1\], got 96.8; did you mean 0.968\?'),
        ('pseudo_threshold', 50, r'did you mean 0.5\?'),
        ('pseudo_threshold', -1, r'in \[0, 1\], got -1$'),
        ('pseudo_temperature', 0, 'a finite number above 0, got 0'),
        ('pseudo_temperature', float('inf'), 'a finite number above 0'),
        ('pseudo_weight_ignore_top', -1, 'a number of rows from 0, got -1'),
        ('pseudo_weight_ignore_bottom', -120, 'a number of rows from 0, got -120'),
        ('imnet_feature_dist_lambda', -0.005, 'a number from 0'),
        ('imnet_feature_dist_lambda', float('inf'), 'a number from 0'),
        ('color_jitter_strength', -0.2, r'in \[0, 0.5\]'),
        ('color_jitter_strength', 20, r'in \[0, 0.5\]'),
        ('color_jitter_probability', 1.5, r'in \[0, 1\]'),
        ('mix', 'cut', "'class', got 'cut'"),
    ],
)
def test_init__settings_out_of_range_are_refused_by_name(setting, value, message):
    with pytest.raises(UserError, match=rf'uda\.{setting}: expected .*{message}'):
        build_train_model(config(**{setting: value}))


@pytest.mark.parametrize(
    ('setting', 'value'),
    [
        ('imnet_feature_dist_classes', [99]),
        ('imnet_feature_dist_classes', [0, 5]),
        ('imnet_feature_dist_classes', [-1]),
        ('imnet_feature_dist_classes', []),
        ('imnet_feature_dist_scale_min_ratio', 0),
        ('imnet_feature_dist_scale_min_ratio', 75),
    ],
)
def test_init__a_feature_distance_out_of_range_is_refused_where_it_is_asked_for(setting, value):
    with pytest.raises(UserError, match=rf'uda\.{setting}: expected'):
        build_train_model(config(imnet_feature_dist_lambda=0.005, **{setting: value}))
    build_train_model(config(imnet_feature_dist_lambda=0, **{setting: value}))


def test_check_feature_distance__the_last_class_and_a_whole_cell_are_in_range():
    check_feature_distance(0.005, [0, 4], 1.0, 5)
    check_feature_distance(0.005, None, None, 5)


@pytest.mark.parametrize('other', [(3, 32, 48), (3, 48, 64), (4, 32, 64)])
def test_check_pair__images_that_can_not_be_mixed_are_named(other):
    named = '×'.join(map(str, other))
    with pytest.raises(UserError, match=f'source images are 3×32×64 and target images {named} '):
        check_pair(torch.zeros(2, 3, 32, 64), torch.zeros(2, *other))


def head(layer):
    return SimpleNamespace(embedding_layer=layer)


@pytest.mark.parametrize('activation', ['ReLU', 'ReLU6', 'Sigmoid', 'HSigmoid'])
def test_check_form__activations_that_give_no_negatives_pass(activation):
    check_form('sum', head(ConvModule(2, 2, 1, act_cfg={'type': activation})))


@pytest.mark.parametrize('activation', ['GELU', 'LeakyReLU', 'ELU', 'Tanh', 'PReLU', 'Swish', None])
def test_check_form__other_activations_are_named(activation):
    act_cfg = None if activation is None else {'type': activation}
    with pytest.raises(UserError, match=f"ends with {activation or 'no activation'}.*'softmax'"):
        check_form('sum', head(ConvModule(2, 2, 1, act_cfg=act_cfg)))


@pytest.mark.parametrize('name', [n for n in ARCHITECTURES if not n.startswith('deeplabv2')])
def test_sum_form__every_architecture_takes_it_and_refuses_it_without_relu(name):
    model = small_architecture(name)
    build_train_model({**config(instance={}), 'model': model})
    if name.startswith(('segformer', 'daformer')):
        return  # their fusion's activation has no setting of the head
    for act_cfg, ending in ((None, 'no activation'), ({'type': 'GELU'}, 'GELU')):
        model.decode_head.act_cfg = act_cfg
        if act_cfg is None and 'sep' in name:
            continue
        with pytest.raises(UserError, match=f'ends with {ending}'):
            build_train_model({**config(instance={}), 'model': model})
        build_train_model({**config(instance={'form': 'softmax'}), 'model': model})


@pytest.mark.parametrize('decoder', DECODERS)
@pytest.mark.parametrize('act_cfg', [{'type': 'GELU'}, {'type': 'Tanh'}])
def test_sum_form__daformers_fusions_are_told_by_their_activation(decoder, act_cfg):
    model = small_config(decoder)
    model.decode_head.decoder_params.fusion_cfg.act_cfg = act_cfg
    with pytest.raises(UserError, match=f'DAFormerHead ends with {act_cfg["type"]}'):
        build_train_model({**config(instance={}), 'model': model})


def test_sum_form__a_linear_fusion_is_refused():
    settings = config(instance={})
    settings['model']['decode_head']['decoder_params']['fusion_cfg'] = {'type': 'mlp'}
    with pytest.raises(UserError, match='DAFormerHead ends with no activation'):
        build_train_model(settings)


def test_sum_form__of_a_head_that_can_not_tell_the_first_batch_does():
    level = InstanceLevel(student(4, 2), num_entries=3)
    labels = torch.zeros(1, 1, 8, 8, dtype=torch.long)
    embedding = torch.rand(1, 4, 2, 2)
    embedding[0, 1, 0, 0] = -0.1
    with pytest.raises(UserError, match=r"form='sum' .* the decode head gives some: .*'softmax'"):
        level.observe(embedding, labels, 0)
    InstanceLevel(student(4, 2), num_entries=3, form='softmax').observe(embedding, labels, 0)


@pytest.mark.parametrize('convs', [0, 1])
def test_sum_form__a_head_without_convolutions_is_as_its_encoder_is(convs):
    layer = FCNHead(
        num_convs=convs, concat_input=False, in_channels=4, channels=4, num_classes=2
    ).embedding_layer
    assert (layer is None) == (convs == 0)
    if convs:
        assert isinstance(layer.activate, nn.ReLU)


@pytest.mark.parametrize('value', [-1e-6, -3.0, float('-inf')])
def test_init__a_bank_with_negative_entries_is_refused_for_form_sum(tmp_path, value):
    level = InstanceLevel(student(4, 2), num_entries=3)
    level.bank.features[1, 2] = value
    level.bank.labels[:] = torch.tensor([0, 1, -1])
    level.bank.save(tmp_path)
    with pytest.raises(UserError, match=r"form='sum' .* the bank in .* holds some"):
        InstanceLevel(student(4, 2), bank_file=str(tmp_path))
    InstanceLevel(student(4, 2), bank_file=str(tmp_path), form='softmax')


def test_init__unfilled_entries_may_hold_anything(tmp_path):
    level = InstanceLevel(student(4, 2), num_entries=3)
    level.bank.features -= 1
    level.bank.save(tmp_path)
    assert InstanceLevel(student(4, 2), bank_file=str(tmp_path)).bank.num_filled == 0
