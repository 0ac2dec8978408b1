"""What exporters are given computes what the network computes."""

import pytest
import torch
from torch import nn

from mmseg.apis.exported_layers import PaddedForWholeCells, RegionMeans, exportable
from mmseg.models import build_segmentor
from mmseg.models.backbones import TimmBackbone
from tests.models.networks import small_architecture


@pytest.mark.parametrize('grid', [2, 3, (2, 3), (1, 6), (None, 2)])
def test_exportable__means_over_regions_are_those_of_pytorch(grid):
    pool, maps = nn.Sequential(nn.AdaptiveAvgPool2d(grid)), torch.randn(2, 3, 11, 7)
    exported = exportable(pool)
    assert type(exported[0]) is RegionMeans and type(pool[0]) is nn.AdaptiveAvgPool2d
    torch.testing.assert_close(exported(maps), pool(maps))


@pytest.mark.parametrize('name', ['danet_r50-d8', 'daformer_isa_mitb5', 'psp_r50-d8'])
def test_exportable__a_network_keeps_its_logits_and_its_state(name):
    torch.manual_seed(0)
    network = build_segmentor(small_architecture(name)).eval()
    exported, images = exportable(network), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(exported.forward_dummy(images), network.forward_dummy(images))
    assert list(exported.state_dict()) == list(network.state_dict())


@pytest.mark.parametrize('size', [(64, 96), (70, 45)])
def test_exportable__tensorflows_padding_is_that_of_whole_cells(size):
    torch.manual_seed(0)
    encoder = TimmBackbone('tf_efficientnet_lite0').eval()
    exported, images = exportable(encoder), torch.randn(1, 3, *size)
    padded = [layer for layer in exported.modules() if type(layer) is PaddedForWholeCells]
    assert {layer.kernel_size for layer in padded} == {(3, 3), (5, 5)}
    with torch.no_grad():
        for ours, theirs in zip(exported(images), encoder(images), strict=True):
            torch.testing.assert_close(ours, theirs)
