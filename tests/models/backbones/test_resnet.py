"""ResNet, ResNeXt and ResNeSt: against the golden files, and what their settings do."""

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.models import build_backbone
from mmseg.models.backbones.resnet_blocks import ResidualBlock
from mmseg.utils.errors import UserError
from tests.golden import load
from tests.golden.fill import fill_deterministic, input_for
from tests.models.networks import STATE_DICT_KEYS

DILATED = {'strides': (1, 2, 1, 1), 'dilations': (1, 1, 2, 4), 'contract_dilation': True}
GOLDEN = {
    'resnetv1c50': {'type': 'ResNetV1c', 'depth': 50, **DILATED},
    'resnext50': {'type': 'ResNeXt', 'depth': 50, 'groups': 32, 'base_width': 4, **DILATED},
}
TINY = {'base_channels': 4, 'stem_channels': 4}


def tiny(kind='ResNet', depth=50, **settings):
    torch.manual_seed(0)
    return build_backbone({'type': kind, 'depth': depth, **TINY, **settings})


@pytest.mark.parametrize('name', GOLDEN)
def test_forward__equals_golden(name):
    golden = load('resnet')
    network = fill_deterministic(build_backbone(GOLDEN[name])).eval()
    with torch.no_grad():
        features = network(torch.from_numpy(input_for(name, (1, 3, 48, 64))))
    for stage, feature in enumerate(features, start=1):
        values = feature.flatten()[:: 53 if stage < 4 else 1]
        np.testing.assert_allclose(values, golden[f'{name}_f{stage}'], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize('name', GOLDEN)
def test_state_dict__names_shapes_and_order_as_published(name):
    with torch.device('meta'):
        network = build_backbone(GOLDEN[name])
    ours = [(key, list(value.shape)) for key, value in network.state_dict().items()]
    assert ours == list(STATE_DICT_KEYS[f'backbone:{name}'].items())


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        ({}, [(4, 4), (8, 8), (16, 16), (32, 32)]),
        (DILATED, [(4, 4), (8, 8), (8, 8), (8, 8)]),
    ],
)
@pytest.mark.parametrize('kind', ['ResNet', 'ResNetV1c', 'ResNetV1d', 'ResNeXt', 'ResNeSt'])
def test_forward__strides_and_widths(kind, settings, expected):
    features = tiny(kind, **settings).eval()(torch.randn(1, 3, 70, 45))
    sizes = [(-(-70 // s), -(-45 // t)) for s, t in expected]
    assert [tuple(f.shape[2:]) for f in features] == sizes
    assert [f.shape[1] for f in features] == [16, 32, 64, 128]


@pytest.mark.parametrize('depth', [18, 34])
def test_forward__small_depths_do_not_widen(depth):
    features = tiny(depth=depth)(torch.randn(2, 3, 64, 64))
    assert [f.shape[1] for f in features] == [4, 8, 16, 32]


def test_forward__only_the_stages_asked_for():
    features = tiny(out_indices=(1, 3))(torch.randn(2, 3, 64, 64))
    assert [f.shape[1] for f in features] == [32, 128]


def test_forward__of_fewer_stages():
    settings = {'num_stages': 2, 'strides': (1, 2), 'dilations': (1, 1), 'out_indices': (0, 1)}
    network = tiny(**settings)
    assert not hasattr(network, 'layer3')
    assert len(network(torch.randn(2, 3, 64, 64))) == 2


def dilations_of(stage):
    return [block.conv2.dilation[0] for block in stage]


def test_dilation__the_first_block_contracts():
    assert dilations_of(tiny(**DILATED).layer4) == [2, 4, 4]
    assert dilations_of(tiny(**{**DILATED, 'contract_dilation': False}).layer4) == [4, 4, 4]


def test_dilation__multi_grid_is_for_the_last_stage_alone():
    network = tiny(**DILATED, multi_grid=(1, 2, 4))
    assert dilations_of(network.layer4) == [1, 2, 4]
    assert dilations_of(network.layer3) == [1, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(('style', 'strides'), [('pytorch', (1, 2)), ('caffe', (2, 1))])
def test_style__says_which_convolution_has_the_stride(style, strides):
    block = tiny(style=style).layer2[0]
    assert (block.conv1.stride[0], block.conv2.stride[0]) == strides


def test_next__groups_of_the_width_asked_for():
    conv = build_backbone({'type': 'ResNeXt', 'depth': 101, 'groups': 32, 'base_width': 4})
    assert len(conv.layer3) == 23
    assert [getattr(conv, f'layer{i}')[0].conv2.groups for i in (1, 4)] == [32, 32]
    assert [getattr(conv, f'layer{i}')[0].conv2.in_channels for i in (1, 4)] == [128, 1024]


@pytest.mark.parametrize(('depth', 'blocks'), [(50, 6), (101, 23), (200, 36)])
def test_nest__depths(depth, blocks):
    with torch.device('meta'):
        network = build_backbone({'type': 'ResNeSt', 'depth': depth, 'stem_channels': 128})
    assert len(network.layer3) == blocks


@pytest.mark.parametrize(('radix', 'groups'), [(1, 1), (1, 2), (2, 2), (3, 1)])
def test_nest__splits_are_weighed_channel_by_channel(radix, groups):
    """The attention of a channel depends on the splits of its own group alone."""
    settings = {'radix': radix, 'groups': groups, 'base_channels': 6, 'base_width': 6}
    block = tiny('ResNeSt', **{**settings, 'stem_channels': 6}).layer1[0].conv2.eval()
    x = torch.randn(2, block.conv.in_channels, 5, 7)
    splits = block.relu(block.bn0(block.conv(x))).chunk(radix, dim=1)
    hidden = block.relu(block.bn1(block.fc1(sum(splits).mean((2, 3), keepdim=True))))
    scores = block.fc2(hidden)
    width = splits[0].shape[1] // groups
    for group in range(groups):
        own = scores[:, group * radix * width : (group + 1) * radix * width]
        own = torch.stack(own.chunk(radix, dim=1))
        weights = own.softmax(0) if radix > 1 else own.sigmoid()
        channels = slice(group * width, (group + 1) * width)
        expected = sum(w * s[:, channels] for w, s in zip(weights, splits, strict=True))
        torch.testing.assert_close(block(x)[:, channels], expected)


def test_nest__strides_are_averages_or_not():
    assert tiny('ResNeSt').layer2[0].pool.stride == 2
    block = tiny('ResNeSt', avg_down_stride=False).layer2[0]
    assert block.pool is None and block.conv2.conv.stride == (2, 2)


def test_norm_eval__batch_norm_keeps_its_statistics():
    network = tiny(norm_eval=True).train()
    assert not any(m.training for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    before = network.bn1.running_mean.clone()
    network(torch.randn(2, 3, 64, 64))
    assert torch.equal(network.bn1.running_mean, before)
    assert tiny().train().bn1.training


@pytest.mark.parametrize('kind', ['ResNet', 'ResNetV1c'])
@pytest.mark.parametrize(('frozen', 'learning'), [(0, 'layer1'), (2, 'layer3')])
def test_frozen_stages__do_not_learn(kind, frozen, learning):
    network = tiny(kind, frozen_stages=frozen).train()
    first = next(n for n, p in network.named_parameters() if p.requires_grad)
    assert first.startswith(learning)
    assert network.layer4.training
    stem = network.stem if kind == 'ResNetV1c' else network.bn1
    assert not stem.training
    if frozen:
        assert not network.layer2.training


def test_with_cp__changes_no_gradient():
    gradients = []
    for with_cp in (False, True):
        network = tiny(with_cp=with_cp).eval()
        network(torch.ones(1, 3, 64, 64, requires_grad=True))[-1].sum().backward()
        gradients.append([p.grad for p in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_init_weights__blocks_begin_as_the_identity():
    network = tiny()
    network.init_weights()
    blocks = [m for m in network.modules() if isinstance(m, ResidualBlock)]
    assert len(blocks) == 16
    assert not any(block.last_norm.weight.any() for block in blocks)
    assert network.layer1[0].bn1.weight.eq(1).all()
    spread = network.layer4[0].conv3.weight.std().item()
    assert spread == pytest.approx((2 / 128) ** 0.5, rel=0.1)


def test_init_weights__unless_told_otherwise():
    network = tiny(depth=18, zero_init_residual=False)
    network.init_weights()
    assert network.layer1[0].bn2.weight.eq(1).all()


PLUGIN = {'cfg': {'type': 'ContextBlock', 'ratio': 0.5}, 'position': 'after_conv3'}


def test_plugins__are_put_where_they_are_asked_for():
    network = tiny(plugins=[{**PLUGIN, 'stages': (False, True, False, True)}]).eval()
    assert not hasattr(network.layer1[0], 'context_block')
    seen = []
    network.layer2[1].context_block.register_forward_hook(lambda _, i, o: seen.append(i[0].shape))
    network(torch.randn(1, 3, 64, 64))
    assert seen == [(1, 32, 8, 8)]


def test_plugins__follow_one_another():
    second = {**PLUGIN, 'cfg': {**PLUGIN['cfg'], 'postfix': '_b'}}
    block = tiny(plugins=[PLUGIN, second]).eval().layer1[1]
    nn.init.ones_(block.context_block.channel_add_conv[-1].bias)
    seen = []
    block.context_block_b.register_forward_hook(lambda _, i, o: seen.append(i[0]))
    block.context_block.register_forward_hook(lambda _, i, o: seen.append(o))
    block(torch.randn(1, 16, 8, 8))
    assert torch.equal(*seen)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'depth': 51}, 'no depth 51; available: 18, 34, 50, 101, 152'),
        ({'num_stages': 5}, 'num_stages is 5; expected 1 to 4'),
        ({'strides': (1, 2)}, 'strides has 2 entries for 4 stages'),
        ({'dilations': (1, 2, 4)}, 'dilations has 3 entries'),
        ({'out_indices': (3, 4)}, r'out_indices \(3, 4\) names stages beyond the 4'),
        ({'style': 'torch'}, "expected 'pytorch' or 'caffe'"),
        ({'multi_grid': (1, 2)}, 'multi_grid has 2 entries for 3 blocks'),
        ({'plugins': [{**PLUGIN, 'position': 'after_conv4'}]}, 'needs cfg and a position'),
        ({'plugins': [{**PLUGIN, 'stage': (True,) * 4}]}, "no setting 'stage'; did you mean 'stag"),
        ({'plugins': [{**PLUGIN, 'stages': (True,)}]}, '1 stages where there are 4'),
        ({'plugins': [PLUGIN, PLUGIN]}, "two plugins are named 'context_block'"),
        ({'depth': 18, 'plugins': [PLUGIN]}, 'neither dcn nor plugins'),
        ({'depth_': 50}, "no setting 'depth_'; did you mean 'depth'"),
        ({'type': 'ResNeXt', 'depth': 18}, 'no depth 18; available: 50, 101, 152'),
        ({'type': 'ResNeSt', 'radix': 0}, 'radix is 0'),
    ],
)
def test_settings__mistake_is_named(settings, message):
    with pytest.raises(UserError, match=message):
        build_backbone({'type': 'ResNet', 'depth': 50, **settings})


STAGES = {'stage_with_dcn': (False, False, True, True)}


def test_dcn__missing_operator_is_named(monkeypatch):
    def import_module(name):
        raise ImportError(name)

    monkeypatch.setattr('mmseg.models.backbones.resnet.importlib.import_module', import_module)
    with pytest.raises(UserError, match=r"'DCNv9' is a compiled operator .* leave dcn out"):
        tiny(dcn={'type': 'DCNv9'}, **STAGES)
    with pytest.raises(UserError, match='stage_with_dcn has 2 entries'):
        tiny(dcn={'type': 'DCNv9'}, stage_with_dcn=(True, True))


def test_dcn__takes_the_place_of_the_middle_convolution():
    """mmcv's padded convolution stands for a deformable one, which needs compiled code."""
    network = tiny(dcn={'type': 'ConvAWS'}, **STAGES)
    kinds = [type(getattr(network, f'layer{i}')[0].conv2).__name__ for i in range(1, 5)]
    assert kinds == ['Conv2d', 'Conv2d', 'ConvAWS2d', 'ConvAWS2d']
