"""DAFormer's head against the golden files, and its settings."""

import numpy as np
import pytest
import torch

from mmseg.models import build_head, build_segmentor
from mmseg.utils.errors import UserError
from tests.golden import load
from tests.golden.fill import fill_deterministic, input_for
from tests.models.networks import DECODERS, STATE_DICT_KEYS, published_config, small_config

SIZES = ((24, 26), (12, 14), (6, 8), (3, 5))
MLP = {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None}


@pytest.mark.parametrize('decoder', DECODERS)
def test_forward__equals_golden(decoder):
    name = f'daformer_{decoder}_mitb5'
    cfg = published_config(decoder).decode_head
    head = fill_deterministic(build_head(cfg)).eval()
    inputs = [
        torch.from_numpy(input_for(f'{name}_{i}', (1, channels, *size)))
        for i, (channels, size) in enumerate(zip(cfg.in_channels, SIZES, strict=True))
    ]
    with torch.no_grad():
        logits = head(inputs)
    np.testing.assert_allclose(logits, load('heads')[name], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize('decoder', DECODERS)
def test_state_dict__names_shapes_and_order_as_published(decoder):
    with torch.device('meta'):
        network = build_segmentor(published_config(decoder))
    ours = {name: list(value.shape) for name, value in network.state_dict().items()}
    assert list(ours.items()) == list(STATE_DICT_KEYS[f'daformer_{decoder}_mitb5'].items())


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
            {'fusion_cfg': {'type': 'isa'}},
            "no decoder layer 'isa'; available: mlp, conv, aspp, rawconv_and_aspp",
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
