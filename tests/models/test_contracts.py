"""Every part of every network keeps its contract, and a part that does not is named."""

import pytest
import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.core.pixel_sampling import PIXEL_SAMPLERS, BasePixelSampler, build_pixel_sampler
from mmseg.models import (
    BACKBONES,
    HEADS,
    NECKS,
    build_backbone,
    build_head,
    build_neck,
    build_segmentor,
)
from mmseg.models.contracts import Backbone, DecodeHead, Neck
from mmseg.utils.errors import UserError
from tests.models.networks import ARCHITECTURES, small_architecture

LABELS = torch.randint(0, 5, (2, 1, 64, 96))


@pytest.fixture(params=ARCHITECTURES, scope='module')
def network(request):
    torch.manual_seed(0)
    return build_segmentor(small_architecture(request.param)).eval()


def check_maps(maps, channels):
    assert isinstance(maps, list | tuple) and all(each.ndim == 4 for each in maps)
    sizes = [each.shape[2] * each.shape[3] for each in maps[:-1]]
    assert sizes == sorted(sizes, reverse=True)
    assert channels is None or [each.shape[1] for each in maps] == list(channels)


def test_network__its_parts_keep_their_contracts(network):
    assert isinstance(network.backbone, Backbone)
    assert network.neck is None or isinstance(network.neck, Neck)
    head = network.decode_head
    assert isinstance(head, DecodeHead)
    with torch.no_grad():
        maps = network.backbone(torch.randn(2, 3, 64, 96))
        check_maps(maps, getattr(network.backbone, 'out_channels', None))
        if network.neck is not None:
            maps = network.neck(maps)
            check_maps(maps, getattr(network.neck, 'out_channels', None))
        decoded = head.decoded(maps)
        losses = head.decoded_losses(decoded, LABELS, torch.ones(2, 64, 96))
    assert decoded.logits.shape[:2] == (2, head.num_classes) and decoded.logits.ndim == 4
    torch.testing.assert_close(head(maps), decoded.logits)
    embedding = decoded.embedding
    assert (None if embedding is None else embedding.shape[1]) == head.embed_channels
    assert head.upsample(decoded.logits, (64, 96)).shape == (2, 5, 64, 96)
    summed = [value for name, value in losses.items() if 'loss' in name]
    assert summed and all(value.ndim == 0 and value.isfinite() for value in summed)


@pytest.mark.parametrize('kind', PIXEL_SAMPLERS.module_dict)
def test_pixel_samplers__weigh_every_pixel(network, kind):
    sampler = build_pixel_sampler({'type': kind}, context=network.decode_head)
    assert isinstance(sampler, BasePixelSampler)
    weights = sampler.sample(torch.randn(2, 5, 64, 96), LABELS)
    assert weights.shape == (2, 64, 96) and (weights >= 0).all()


class Silent(nn.Module):
    """It computes something, and has nothing else."""

    def forward(self, inputs):
        return inputs


class Weighs:
    """A sampler by another name."""

    def __init__(self, context):
        self.context = context

    def weigh(self, logits, labels):
        return labels


@pytest.mark.parametrize(
    ('build', 'lacks'),
    [
        (build_backbone, 'lacks init_weights: what is asked of it says Backbone in'),
        (build_neck, r'lacks init_weights: .* Neck in mmseg\.models\.contracts'),
        (build_head, 'lacks align_corners, decoded, decoded_losses, embed_channels, init_weights'),
    ],
)
def test_build__a_part_that_does_not_keep_its_contract_is_named(build, lacks):
    with pytest.raises(UserError, match=f'Silent {lacks}'):
        build({'type': Silent})


def test_build_pixel_sampler__so_is_a_sampler():
    with pytest.raises(UserError, match=r'Weighs lacks sample: .* BasePixelSampler in mmseg\.core'):
        build_pixel_sampler({'type': Weighs}, context=None)


@pytest.mark.parametrize(
    ('registry', 'contract'), [(BACKBONES, Backbone), (NECKS, Neck), (HEADS, DecodeHead)]
)
def test_registered_classes__have_the_methods_of_their_contract(registry, contract):
    methods = [name for name, value in vars(contract).items() if callable(value)]
    asked = [name for name in methods if not name.startswith('_')]
    ours = [kind for kind in registry.module_dict.values() if kind.__module__.startswith('mmseg.')]
    assert len(ours) > 1 and 'init_weights' in asked
    for kind in ours:
        assert [name for name in asked if not callable(getattr(kind, name, None))] == []


def test_backbone__two_layers_are_enough():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(ConvModule(3, 4, 4, stride=4), ConvModule(4, 8, 1))

        def init_weights(self):
            pass

        def forward(self, images):
            return [self.layers(images)]

    head = {'type': 'FCNHead', 'in_channels': 8, 'channels': 4, 'num_classes': 5}
    network = build_segmentor(
        {'type': 'EncoderDecoder', 'backbone': {'type': Two}, 'decode_head': head}
    )
    network.init_weights()
    assert network.encode_decode(torch.randn(2, 3, 32, 48), []).shape == (2, 5, 32, 48)
