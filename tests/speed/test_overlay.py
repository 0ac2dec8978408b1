"""Quicker layers over networks: the same networks, and switched off every layer runs by itself."""

import copy
import pickle

import pytest
import torch
from torch import nn

from mmseg.core.settings import SpeedSettings
from mmseg.models import build_segmentor
from mmseg.models.backbones.mit_layers import Block
from mmseg.models.uda.instance_level import InstanceLevel
from mmseg.models.uda.interaction import PLAIN
from mmseg.speed import quicken
from mmseg.speed.cpu import layers
from mmseg.speed.interaction import LEAN
from mmseg.utils.errors import UserError
from tests.models.networks import ARCHITECTURES, small_architecture
from tests.models.uda.stubs import student

CPU = torch.device('cpu')
CLASSIFIER_OF_RELEASED_CHECKPOINTS = ['decode_head.conv_seg']


def build(name):
    torch.manual_seed(0)
    network = build_segmentor(small_architecture(name))
    network.init_weights()
    return network


def losses(network):
    """Pass three images and their labels through a network, with the same dropout each time."""
    torch.manual_seed(1)
    dtype = next(network.parameters()).dtype
    images, labels = torch.randn(3, 3, 64, 96, dtype=dtype), torch.randint(0, 5, (3, 1, 64, 96))
    values = network.forward_train(images, [{}] * 3, labels)
    return {name: value for name, value in values.items() if 'loss' in name}


def classes_of(network):
    return {type(module) for module in network.modules()}


def quick_classes(network):
    return {
        kind.__name__ for kind in classes_of(network) if kind.__module__.startswith('mmseg.speed')
    }


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_off__every_layer_is_called(name):
    network = quicken(build(name), CPU, SpeedSettings(speed='off')).train()
    called = set()
    leaves = {n: m for n, m in network.named_modules() if not any(True for _ in m.children())}
    for leaf_name, leaf in leaves.items():
        leaf.register_forward_hook(lambda *_, leaf_name=leaf_name: called.add(leaf_name))
    losses(network)
    unused = CLASSIFIER_OF_RELEASED_CHECKPOINTS if name.startswith('segformer') else []
    assert sorted(set(leaves) - called) == unused


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_auto__losses_gradients_and_statistics_are_those_of_the_network_as_written(
    name, monkeypatch
):
    monkeypatch.setattr(layers, '_MANY_VALUES', 1)
    plain = build(name).double().train()
    assert_same_step(quicken(copy.deepcopy(plain), CPU, SpeedSettings()), plain)


def assert_same_step(quick, plain):
    """Compare losses, gradients and statistics of one step."""
    expected, found = losses(plain), losses(quick)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    for values in (expected, found):
        sum(values.values()).backward()
    for ours, theirs in zip(quick.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-9)
    torch.testing.assert_close(quick.state_dict(), plain.state_dict(), rtol=0, atol=1e-9)


def test_auto__takes_the_place_of_what_a_cpu_does_slowly():
    network = quicken(build('daformer_sepaspp_mitb5'), CPU, SpeedSettings())
    assert quick_classes(network) == {
        'JoinedPyramid',
        'PointwiseConv',
        'QuickLinear',
        'SeparableConv',
        'ThriftyBlock',
        'WideConv',
    }
    assert quick_classes(quicken(build('segformer_b5'), CPU, SpeedSettings())) == {
        'PointwiseConv',
        'QuickLinear',
        'ThriftyBlock',
    }


@pytest.mark.parametrize('name', ['daformer_sepaspp_mitb5', 'deeplabv3plus_r50-d8', 'aspp_r50-d8'])
def test_auto__elsewhere_than_on_a_cpu_only_the_pyramid_is_another(name):
    plain = build(name).double().train()
    network = quicken(copy.deepcopy(plain), torch.device('cuda'), SpeedSettings())
    assert quick_classes(network) == {'JoinedPyramid'}
    assert_same_step(network, plain)


def test_recompute__off_leaves_blocks_as_they_are():
    network = quicken(build('segformer_b5'), CPU, SpeedSettings(recompute='off'))
    assert Block in classes_of(network) and layers.ThriftyBlock not in classes_of(network)


def test_quicken__state_dict_copies_and_pickles_stay():
    plain = build('daformer_sepaspp_mitb5').eval()
    quick = quicken(copy.deepcopy(plain), CPU, SpeedSettings())
    assert list(quick.state_dict()) == list(plain.state_dict())
    assert [n for n, _ in quick.named_modules()] == [n for n, _ in plain.named_modules()]
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = quick.forward_dummy(image)
        for copied in (copy.deepcopy(quick), pickle.loads(pickle.dumps(quick))):
            assert quick_classes(copied) == quick_classes(quick)
            assert torch.equal(copied.forward_dummy(image), expected)
        quick.backbone.patch_embed1.proj.weight.zero_()
        assert not torch.equal(quick.forward_dummy(image), expected)
        assert torch.equal(copied.forward_dummy(image), expected)


@pytest.mark.parametrize('device', ['cpu', 'cuda'])
@pytest.mark.parametrize('compile', [False, True])
def test_auto__the_instance_level_computes_its_equations_in_their_lean_forms(
    device, compile, monkeypatch
):
    monkeypatch.setattr('mmseg.speed.overlay.compile_networks', lambda model: None)
    level = InstanceLevel(student(4, 3))
    assert quicken(level, torch.device(device), SpeedSettings(compile=compile)).equations is LEAN


def test_off__the_instance_level_computes_its_equations_as_they_are_written():
    assert quicken(InstanceLevel(student(4, 3)), CPU, SpeedSettings(speed='off')).equations is PLAIN


def test_quicken__twice_is_once():
    network = quicken(build('daformer_sepaspp_mitb5'), CPU, SpeedSettings())
    once = [type(module) for module in network.modules()]
    quicken(network, CPU, SpeedSettings())
    assert [type(module) for module in network.modules()] == once


def test_quicken__leaves_what_others_derived_alone():
    class Own(nn.Linear):
        pass

    model = nn.Sequential(Own(3, 3), nn.Linear(3, 3))
    quicken(model, CPU, SpeedSettings())
    assert [type(layer) for layer in model] == [Own, layers.QuickLinear]


def test_quicken__quick_layers_are_theirs_where_a_compiler_looks_on():
    network = quicken(build('daformer_sepaspp_mitb5'), CPU, SpeedSettings()).eval()
    plain = quicken(build('daformer_sepaspp_mitb5'), CPU, SpeedSettings(speed='off')).eval()
    image = torch.randn(1, 3, 64, 96)
    torch.compiler.reset()
    compiled = torch.compile(network.forward_dummy, backend='eager', fullgraph=True)
    with torch.no_grad():
        assert torch.equal(compiled(image), plain.forward_dummy(image))


def test_quicken__channels_last_lays_weights_that_way():
    network = quicken(build('segformer_b5'), CPU, SpeedSettings(channels_last=True))
    weight = network.backbone.patch_embed1.proj.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_settings__are_read_from_a_config_and_default_to_auto():
    assert SpeedSettings.of({'model': {}, 'compile': None}) == SpeedSettings()
    settings = SpeedSettings.of({'speed': 'off', 'recompute': 'off', 'compile': True})
    assert settings == SpeedSettings('off', 'off', False, True)
    assert settings.for_few_passes() == SpeedSettings('off', 'off')


def test_settings__other_values_are_refused():
    with pytest.raises(UserError, match="speed: expected 'auto' or 'off', got True"):
        SpeedSettings(speed=True)
