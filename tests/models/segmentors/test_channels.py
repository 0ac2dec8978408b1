"""Necks and heads that leave their width to the encoder."""

import pytest
import torch

from mmseg.models import build_segmentor
from mmseg.utils.errors import UserError
from tests.models.networks import small_architecture


def network(backbone, neck=None, **head):
    model = small_architecture('daformer_sepaspp_mitb5')
    model.backbone = backbone
    model.neck = neck
    del model.decode_head['in_channels']
    model.decode_head.update(head)
    return build_segmentor(model)


@pytest.mark.parametrize(
    ('backbone', 'expected'),
    [
        ({'type': 'mit_b0'}, (32, 64, 160, 256)),
        ({'type': 'ResNet', 'depth': 50}, (256, 512, 1024, 2048)),
        ({'type': 'TimmBackbone', 'model': 'tf_efficientnet_lite0'}, (24, 40, 112, 320)),
    ],
)
def test_build__a_head_asks_the_encoder_how_wide_its_maps_are(backbone, expected):
    built = network(backbone)
    assert tuple(built.decode_head.in_channels) == expected
    assert built.encode_decode(torch.randn(2, 3, 64, 96), []).shape == (2, 5, 64, 96)


def test_build__a_head_asks_the_neck_and_the_neck_the_encoder():
    pyramid = {'type': 'SimpleFeaturePyramid', 'out_channels': 12}
    built = network({'type': 'TimmBackbone', 'model': 'vit_tiny_patch16_224'}, pyramid)
    assert built.decode_head.in_channels == [12] * 4
    assert built.encode_decode(torch.randn(2, 3, 70, 45), []).shape == (2, 5, 70, 45)


def test_build__an_auxiliary_head_reads_the_map_that_it_names():
    auxiliary = {'type': 'FCNHead', 'in_index': 2, 'channels': 8, 'num_classes': 5}
    model = small_architecture('daformer_sepaspp_mitb5')
    model.auxiliary_head = [auxiliary]
    (head,) = build_segmentor(model).auxiliary_head
    assert head.in_channels == 160


def test_build__a_map_that_there_is_not_is_named():
    encoder = {'type': 'TimmBackbone', 'model': 'resnet18', 'out_indices': (3, 4)}
    with pytest.raises(UserError, match=r'names maps beyond the 2 that there are'):
        network(encoder)
