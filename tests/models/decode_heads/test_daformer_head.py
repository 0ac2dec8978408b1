"""DAFormer's head: its layers and settings."""

import pytest
import torch

from mmseg.models import build_head
from mmseg.utils.errors import UserError
from tests.models.networks import small_config

MLP = {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None}


def test_mlp__equals_a_linear_layer_on_any_memory_layout():
    cfg = small_config().decode_head
    layer = build_head(cfg).embed_layers['0']
    maps = torch.randn(3, 32, 4, 6)
    expected = torch.stack([layer.proj(m.flatten(1).T).T.reshape(8, 4, 6) for m in maps])
    torch.testing.assert_close(layer(maps), expected)
    torch.testing.assert_close(layer(maps.to(memory_format=torch.channels_last)), expected)


def test_embed_dims__one_for_each_input():
    cfg = small_config('conv1').decode_head
    cfg.decoder_params.embed_dims = [2, 3, 4, 5]
    head = build_head(cfg)
    assert [layer.proj.out_features for layer in head.embed_layers.values()] == [2, 3, 4, 5]
    assert head.fuse_layer.conv.in_channels == 14


def test_neck__same_as_the_other_stages():
    cfg = small_config('sepaspp_bottleneck').decode_head
    cfg.decoder_params.embed_neck_cfg = 'same_as_embed_cfg'
    kinds = {type(layer) for layer in build_head(cfg).embed_layers.values()}
    assert len(kinds) == 1


def test_inputs__of_fewer_stages():
    cfg = small_config('conv1').decode_head
    cfg.update(in_channels=[64, 256], in_index=[1, 3])
    maps = [torch.randn(1, c, s, s) for c, s in ((32, 16), (64, 8), (160, 4), (256, 2))]
    assert build_head(cfg).eval()(maps).shape == (1, 5, 8, 8)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'fusion_cfg': {'type': 'asp'}},
            "no decoder layer 'asp'; available: mlp, conv, aspp, rawconv_and_aspp, isa",
        ),
        ({'fusion_cfg': {'type': 'conv', 'kernel': 1}}, "no setting 'kernel'; did you mean 'ker"),
        ({'embed_cfg': {**MLP, 'norm_cfg': {'type': 'BN'}}}, "'mlp' has no norm or activation"),
        ({'embed_dims': [8, 8]}, '2 embed_dims for 4 inputs'),
        ({'fuse_cfg': MLP}, "decoder_params has no setting 'fuse_cfg'; did you mean 'fusion_cfg'"),
    ],
)
def test_decoder_params__mistake_is_named(changes, message):
    cfg = small_config().decode_head
    for key, value in changes.items():
        # a plain update would merge the old settings in
        cfg.decoder_params.pop(key, None)
        cfg.decoder_params[key] = value
    with pytest.raises(UserError, match=message):
        build_head(cfg)


def test_decoder_params__missing_one_is_named():
    cfg = small_config().decode_head
    del cfg.decoder_params['fusion_cfg']
    with pytest.raises(UserError, match="decoder_params lacks 'fusion_cfg'"):
        build_head(cfg)
