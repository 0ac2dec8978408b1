"""Layers for CPUs take the place of PyTorch's where they are the same."""

import copy

import pytest
import torch
from mmcv.cnn import DepthwiseSeparableConvModule
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg.core.settings import SpeedSettings
from mmseg.models import build_backbone
from mmseg.speed import quicken
from mmseg.speed.cpu import layers
from mmseg.speed.cpu.layers import SeparableConv
from tests.models.backbones.test_mix_transformer import kept_values

CPU = torch.device('cpu')


class Counting(TorchDispatchMode):
    """Counts how often attention is computed."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
        return function(*args, **(kwargs or {}))


def test_large_blocks__compute_feed_forward_layers_again_and_attention_not(monkeypatch):
    monkeypatch.setattr(layers, '_MANY_VALUES', 0)
    torch.manual_seed(0)
    plain = build_backbone({'type': 'mit_b0', 'depths': (1, 1, 1, 1), 'drop_path_rate': 0.5})
    keeping = quicken(copy.deepcopy(plain), CPU, SpeedSettings(recompute='off'))
    lean = quicken(copy.deepcopy(plain), CPU, SpeedSettings())
    kept = kept_values(keeping)
    with Counting() as counting:
        assert kept_values(lean) < 0.7 * kept
    assert counting.count == 4
    for ours, theirs in zip(lean.parameters(), keeping.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize(
    'settings',
    [
        {'stride': 2},
        {'padding': 0},
        {'padding_mode': 'reflect'},
        {'order': ('norm', 'conv', 'act')},
        {'norm_cfg': {'type': 'GN', 'num_groups': 2}},
        {'bias': True},
        {'kernel_size': (3, 5), 'padding': (1, 2)},
    ],
)
def test_separable_conv__of_unusual_settings_is_that_of_mmcv(settings):
    torch.manual_seed(0)
    usual = {'kernel_size': 3, 'padding': 1, 'norm_cfg': {'type': 'BN'}}
    plain = DepthwiseSeparableConvModule(4, 6, **{**usual, **settings}).double()
    quick = quicken(copy.deepcopy(plain), CPU, SpeedSettings())
    assert type(quick) is SeparableConv
    maps = torch.randn(2, 4, 9, 7, dtype=torch.float64)
    torch.testing.assert_close(quick(maps), plain(maps))
    torch.testing.assert_close(quick.state_dict(), plain.state_dict())
